/* SPDX-License-Identifier: BSD-3-Clause */
/* One value: from a flag's text, from JSON, to JSON. */
#ifndef COLDVM_VMM_OPTION_VALUE_H
#define COLDVM_VMM_OPTION_VALUE_H

#include <jansson.h>

#include "vmm/option_keys.h"

/* Puts @text where @key says, below @base. @text has to live as long as the options. -EINVAL, with
 * what would be right in @wish ("want a number from 1 to 64"). */
int option_set(const struct option_key *key, void *base, const char *text, char *wish,
	       size_t wish_len);
/* The same from the file, with the same limits. null is not given. */
int option_set_json(const struct option_key *key, void *base, const json_t *value, char *wish,
		    size_t wish_len);

bool option_is_set(const struct option_key *key, const void *base);
/* A new reference; NULL if it is not set, or is text that JSON cannot hold (no UTF-8). */
json_t *option_get_json(const struct option_key *key, const void *base);

#endif
