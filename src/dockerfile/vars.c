/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/expand.h"

/* The index of the first variable whose name is not less. */
static size_t find(const struct dockerfile_vars *vars, const char *name)
{
	size_t low = 0, high = vars->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(vars->v[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is(const struct dockerfile_vars *vars, size_t i, const char *name)
{
	return i < vars->n && strcmp(vars->v[i].name, name) == 0;
}

const char *dockerfile_vars_get(const struct dockerfile_vars *vars, const char *name)
{
	size_t i = find(vars, name);

	return is(vars, i, name) ? vars->v[i].value : NULL;
}

void dockerfile_vars_set(struct dockerfile_vars *vars, const char *name,
			 const char *value)
{
	size_t i = find(vars, name);
	char *copy = xstrdup(value);

	if (!is(vars, i, name)) {
		GROW(vars->v, vars->n);
		memmove(vars->v + i + 1, vars->v + i, (vars->n - i) * sizeof *vars->v);
		vars->n++;
		vars->v[i] = (struct dockerfile_var){xstrdup(name), NULL};
	} else {
		vars->bytes -= strlen(vars->v[i].value);
		free(vars->v[i].value);
	}
	vars->v[i].value = copy;
	vars->bytes += strlen(copy);
}

void dockerfile_vars_copy(struct dockerfile_vars *copy,
			  const struct dockerfile_vars *vars)
{
	*copy = (struct dockerfile_vars){0};
	for (size_t i = 0; i < vars->n; i++)
		dockerfile_vars_set(copy, vars->v[i].name, vars->v[i].value);
}

void dockerfile_vars_free(struct dockerfile_vars *vars)
{
	for (size_t i = 0; i < vars->n; i++) {
		free(vars->v[i].name);
		free(vars->v[i].value);
	}
	free(vars->v);
	*vars = (struct dockerfile_vars){0};
}
