/* SPDX-License-Identifier: MIT */
#pragma once

#include "registry/registries.h"

void registries_entry_free(struct registries_entry *entry);
