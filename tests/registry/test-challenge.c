/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/strbuf.h"
#include "registry/challenge.h"
#include "tests/tap.h"

/* Each challenge as "scheme realm=… service=… scope=… error=…", joined by " | ". */
static const struct {
	const char *header, *read;
} cases[] = {
	{"", ""},
	{"Basic", "Basic"},
	{"Basic realm=\"a b\"", "Basic realm=a b"},
	{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull,push\"",
	 "Bearer realm=https://a/t service=s scope=repository:a:pull,push"},
	{"bearer REALM = \"x\" , Service = y", "bearer realm=x service=y"},
	{"Basic realm=\"x\", Bearer realm=\"y\"", "Basic realm=x | Bearer realm=y"},
	{"Negotiate, Basic realm=x", "Negotiate | Basic realm=x"},
	{"Negotiate YWJj==, Basic realm=x", "Negotiate | Basic realm=x"},
	{"Negotiate YWJj, Basic realm=x", "Negotiate | Basic realm=x"},
	{"Digest nonce=\"a,b\", qop=\"auth\", realm=r, Basic", "Digest realm=r | Basic"},
	{"Basic realm=\"a\\\"b\\\\\"", "Basic realm=a\"b\\"},
	{"Bearer realm=\"open", "Bearer"},
	{"Bearer realm=a,realm=b", "Bearer realm=a"},
	{"Bearer realm=a,error=invalid_token", "Bearer realm=a error=invalid_token"},
	{", ,Basic", "Basic"},
	{"(odd)", ""},
};

static void add(struct strbuf *s, const char *name, const char *value)
{
	if (value)
		strbuf_addf(s, " %s=%s", name, value);
}

static char *format(const struct challenges *list)
{
	struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++) {
		const struct challenge *c = &list->v[i];

		strbuf_addf(&s, "%s%s", i ? " | " : "", c->scheme);
		add(&s, "realm", c->realm);
		add(&s, "service", c->service);
		add(&s, "scope", c->scope);
		add(&s, "error", c->error);
	}
	return strbuf_take(&s);
}

int main(void)
{
	AUTO_CHALLENGES struct challenges two = {0}, many = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_CHALLENGES struct challenges list = {0};
		AUTO_FREE char *read = NULL;

		challenges_parse(&list, cases[i].header);
		read = format(&list);
		is_str(read, cases[i].read, cases[i].header);
	}
	challenges_parse(&two, "Basic realm=a");
	challenges_parse(&two, "Bearer realm=b");
	is_str(challenges_find(&two, "BEARER")->realm, "b", "of two headers");
	ok(!challenges_find(&two, "Negotiate"), "not one that is not there");
	for (int i = 0; i < 100; i++)
		challenges_parse(&many, "Basic");
	is_int((long)many.n, 16, "not endlessly many");
	return tap_done();
}
