/* SPDX-License-Identifier: BSD-3-Clause */
/* From a request to the verb that answers it. Pure: no sockets. */
#ifndef COLDVM_VMM_API_ROUTE_H
#define COLDVM_VMM_API_ROUTE_H

#include "vmm/api.h"
#include "vmm/http.h"

/* Runs the verb that @request, which is complete or has an error, asks for, and fills *@reply; an
 * unknown path, a wrong method or a bad body becomes an error in it. @allow gets more headers for
 * the response, "" if there are none. */
#define API_ALLOW_SIZE 64
void api_route(const struct api_config *config, const struct http_request *request,
	       struct api_reply *reply, char allow[API_ALLOW_SIZE]);

#endif
