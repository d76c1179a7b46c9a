/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The shortest path that means the same, without looking at any file: no `.`, no `//`, no
 * `a/..`, no final slash; "." when nothing is left. As Go's path.Clean does it. Owned.
 */
char *dockerfile_path_clean(const char *path);
