/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/strbuf.h"

/*
 * What a registry or token server says in the body of an error (distribution-spec, "Error
 * codes"; RFC 6749, 5.2), on one line, owned by the caller; "" for nothing usable.
 */
char *answer_message(const struct strbuf *body);
