/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON of a policy: every key is known and has its kind of value, or nothing is changed. */
#include "vmm/policy_order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/bits.h"

struct word {
	const char *name;
	int value;
};

static const struct word depths[] = {
	{ "d3cold", POWER_POLICY_D3COLD },
	{ "d3hot", POWER_POLICY_D3HOT },
	{ "on", POWER_POLICY_ON },
};
static const struct word wakes[] = {
	{ "notify", POWER_WAKE_NOTIFY },
	{ "rearm", POWER_WAKE_REARM },
};

static int read_word(const json_t *value, const char *key, const struct word *words, unsigned nr,
		     int *ret, char *why, size_t why_len)
{
	const char *text = json_string_value(value);
	int len;

	for (unsigned i = 0; text && i < nr; i++) {
		if (!strcmp(text, words[i].name)) {
			*ret = words[i].value;
			return 0;
		}
	}
	len = snprintf(why, why_len, "%s: want one of", key);
	for (unsigned i = 0; i < nr && len > 0 && (size_t)len < why_len; i++)
		len += snprintf(why + len, why_len - (size_t)len, "%s \"%s\"", i ? "," : "",
				words[i].name);
	return -EINVAL;
}

static int read_number(const json_t *value, const char *key, unsigned max, unsigned *ret, char *why,
		       size_t why_len)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || number > max) {
		snprintf(why, why_len, "%s: want a number from 0 to %u", key, max);
		return -EINVAL;
	}
	*ret = (unsigned)number;
	return 0;
}

static int read_key(const char *key, const json_t *value, struct power_policy_config *policy,
		    char *why, size_t why_len)
{
	int word, r;

	if (!strcmp(key, "power")) {
		r = read_word(value, key, depths, ARRAY_SIZE(depths), &word, why, why_len);
		if (r == 0)
			policy->deepest = (enum power_policy)word;
		return r;
	}
	if (!strcmp(key, "wake")) {
		r = read_word(value, key, wakes, ARRAY_SIZE(wakes), &word, why, why_len);
		if (r == 0)
			policy->wake = (enum power_wake)word;
		return r;
	}
	if (!strcmp(key, "max_wakes_per_min"))
		return read_number(value, key, POWER_MAX_WAKES_PER_MIN, &policy->max_wakes_per_min,
				   why, why_len);
	if (!strcmp(key, "min_off_ms"))
		return read_number(value, key, POWER_MAX_MIN_OFF_MS, &policy->min_off_ms, why,
				   why_len);
	snprintf(why, why_len,
		 "unknown key '%.32s': known are id, power, wake, max_wakes_per_min, min_off_ms",
		 key);
	return -EINVAL;
}

const char *policy_order_id(const json_t *order)
{
	return json_string_value(json_object_get(order, "id"));
}

int policy_order_read(const json_t *order, struct power_policy_config *policy, char *why,
		      size_t why_len)
{
	struct power_policy_config wanted = *policy;
	const json_t *value;
	const char *key;

	if (!policy_order_id(order) || json_object_size(order) < 2) {
		snprintf(why, why_len,
			 "say for which device and what, such as {\"id\":\"gpu\",\"power\":"
			 "\"d3hot\"}");
		return -EINVAL;
	}
	json_object_foreach((json_t *)order, key, value)
	{
		int r = strcmp(key, "id") ? read_key(key, value, &wanted, why, why_len) : 0;

		if (r < 0)
			return r;
	}
	*policy = wanted;
	return 0;
}
