/* SPDX-License-Identifier: BSD-3-Clause */
/* What every suite's main() does. CK_RUN_CASE=NAME runs one case, CK_FORK=no is for debuggers. */
#ifndef COLDVM_TESTS_UNIT_SUITE_H
#define COLDVM_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Adds a case of @tests to @suite. Fixtures may be NULL. */
static inline TCase *suite_case(Suite *suite, const char *name, SFun setup, SFun teardown)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

/* Runs and frees @suite; the process's exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
