/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "registry/credentials.h"
#include "registry/error.h"
#include "registry/helper.h"
#include "registry/token.h"
#include "tests/tap.h"

/* "dTpw" is the base64 of "u:p", "djpx" of "v:q". */
static const struct {
	const char *repository, *text, *user, *says;
} files[] = {
	{"h.x/a", "{}", NULL, NULL},
	{"h.x/a", "{\"auths\":{\"h.x\":{\"auth\":\"dTpw\"}}}", "u", NULL},
	{"h.x/a", "{\"auths\":{\"https://h.x\":{\"auth\":\"dTpw\"}}}", "u", NULL},
	{"h.x/a", "{\"auths\":{\"https://h.x/v2/\":{\"auth\":\"dTpw\"}}}", "u", NULL},
	{"h.x/a", "{\"auths\":{\"h.xy\":{\"auth\":\"dTpw\"}}}", NULL, NULL},
	{"h.x:5/a", "{\"auths\":{\"h.x\":{\"auth\":\"dTpw\"}}}", NULL, NULL},
	{"h.x/a/b",
	 "{\"auths\":{\"h.x\":{\"auth\":\"dTpw\"},\"h.x/a\":{\"auth\":\"djpx\"}}}", "v",
	 NULL},
	{"h.x/ab",
	 "{\"auths\":{\"h.x\":{\"auth\":\"dTpw\"},\"h.x/a\":{\"auth\":\"djpx\"}}}", "u",
	 NULL},
	{"docker.io/library/a",
	 "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}", "u", NULL},
	{"h.x/a", "{\"auths\":{\"h.x\":{\"username\":\"w\",\"password\":\"p\"}}}", "w",
	 NULL},
	{"h.x/a", "{\"auths\":{\"h.x\":{\"auth\":\"dTpwcA\"}}}", "u", NULL},
	{"h.x/a", "{\"auths\":{\"h.x\":{}}}", NULL, NULL},
	{"h.x/a", "{\"auths\":{\"h.x\":{\"auth\":\"%%%%\"}}}", NULL,
	 "f: 'auth' of h.x is not the base64 of user:password; log in again"},
	{"h.x/a", "{\"auths\":{\"h.x\":{\"auth\":\"dXA=\"}}}", NULL,
	 "f: 'auth' of h.x is not the base64 of user:password; log in again"},
	{"h.x/a", "[]", NULL, "it is not a JSON object"},
	{"h.x/a", "{\"credHelpers\":{\"h.x\":\"../x\"}}", NULL,
	 "the credential helper '../x' has an unusable name"},
};

static void test_files(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_CREDENTIALS struct credentials c = {0};
		AUTO_ERR struct err e = ERR_INIT;
		int r = credentials_in(&c, files[i].repository, "f", files[i].text,
				       strlen(files[i].text), &e);

		ok(r < 0 ? !!files[i].says : r == !!files[i].user, "%s in %s",
		   files[i].repository, files[i].text);
		is_str(c.user, files[i].user, "  the user");
		is_str(e.text, files[i].says, "  what it says");
	}
}

static void test_identity_token(void)
{
	static const char text[] =
		"{\"auths\":{\"h.x\":{\"auth\":\"dTpw\",\"identitytoken\":\"T\"}}}";
	AUTO_CREDENTIALS struct credentials c = {0};

	is_int(credentials_in(&c, "h.x/a", "f", text, strlen(text), NULL), 1, "a token");
	ok(c.is_identity_token, "  to get tokens with");
	is_str(c.password, "T", "  in place of the password");
}

static void test_basic(void)
{
	AUTO_CREDENTIALS struct credentials c = {0};
	AUTO_SECRET char *value = NULL;

	ok(credentials_parse(&c, "user", NULL) < 0, "no password");
	ok(credentials_parse(&c, ":x", NULL) < 0, "no user");
	ok(credentials_parse(&c, "Aladdin:open sesame", NULL) == 0, "user and password");
	value = credentials_basic(&c);
	is_str(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "the example of RFC 7617");
}

static void test_helper(void)
{
	static const char good[] = "{\"Username\":\"<token>\",\"Secret\":\"s\"}\n";
	AUTO_CREDENTIALS struct credentials c = {0};
	AUTO_ERR struct err e = ERR_INIT;

	is_int(helper_parse("h", good, strlen(good), &c, NULL), 1, "a helper's answer");
	ok(c.is_identity_token, "  with a token");
	ok(helper_parse("h", "{}", 2, &c, &e) < 0, "one without a secret");
	is_str(e.text,
	       "docker-credential-h: its answer is not the JSON that helpers give",
	       "  says so");
}

static const struct {
	const char *text, *token;
	unsigned seconds;
} tokens[] = {
	{"{\"token\":\"a\"}", "a", 60},
	{"{\"access_token\":\"b\",\"expires_in\":300}", "b", 300},
	{"{\"token\":\"a\",\"access_token\":\"b\",\"expires_in\":-1}", "a", 60},
	{"{\"token\":\"a\",\"expires_in\":99999999999}", "a", 86400},
	{"{\"token\":\"\",\"access_token\":\"b\"}", "b", 60},
	{"{\"token\":\"a\\r\\nX: y\"}", NULL, 0},
	{"{\"token\":7}", NULL, 0},
	{"{}", NULL, 0},
	{"<html>", NULL, 0},
};

static void test_tokens(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		AUTO_SECRET char *token = NULL;
		unsigned seconds = 0;
		int r = token_parse(tokens[i].text, strlen(tokens[i].text), &token,
				    &seconds, NULL);

		ok((r == 0) == !!tokens[i].token, "%s", tokens[i].text);
		is_str(token, tokens[i].token, "  the token");
		ok(r < 0 || seconds == tokens[i].seconds, "  how long it is good for");
	}
}

static const struct {
	const char *body, *message;
} errors[] = {
	{"", ""},
	{"<html>busy</html>", ""},
	{"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no access\"}]}", "no access"},
	{"{\"errors\":[{\"code\":\"DENIED\"},{\"message\":\"b\",\"detail\":\"c\"}]}",
	 "DENIED; b (c)"},
	{"{\"errors\":[{\"message\":\"a\\nb\\u001b[31m\"}]}", "a b [31m"},
	{"{\"details\":\"wrong password\"}", "wrong password"},
	{"{\"error\":\"invalid_grant\",\"error_description\":\"old\"}", "old"},
	{"{\"errors\":[7,null]}", ""},
};

static void test_errors(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		AUTO_STRBUF struct strbuf body = STRBUF_INIT;
		AUTO_FREE char *message = NULL;

		strbuf_adds(&body, errors[i].body);
		message = answer_message(&body);
		is_str(message, errors[i].message, errors[i].body);
	}
}

int main(void)
{
	test_files();
	test_identity_token();
	test_basic();
	test_helper();
	test_tokens();
	test_errors();
	return tap_done();
}
