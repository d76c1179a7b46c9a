/* SPDX-License-Identifier: MIT */
#include "registry/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/pull.h"

struct route {
	struct route *next;
	char *name; /* the whole reference */
	char *host;
	struct registries_places places;
	size_t current; /* those before it failed */
};

static void route_free(struct route *route)
{
	free(route->name);
	free(route->host);
	registries_places_free(&route->places);
	free(route);
}

void routes_free(struct route *routes)
{
	while (routes) {
		struct route *next = routes->next;

		route_free(routes);
		routes = next;
	}
}

/* With the client's lock held. */
static int find_route(struct registry *r, const struct oci_reference *ref,
		      struct route **found, struct err *e)
{
	AUTO_FREE char *name = oci_reference_format(ref);
	struct route *route;
	int result;

	for (route = r->routes; route; route = route->next)
		if (strcmp(route->name, name) == 0) {
			*found = route;
			return 0;
		}
	route = xcalloc(1, sizeof *route);
	route->name = TAKE_PTR(name);
	route->host = xstrdup(ref->host);
	result = registries_places(&r->conf, ref, &route->places, e);
	if (result < 0) {
		route_free(route);
		return result;
	}
	route->next = r->routes;
	*found = r->routes = route;
	return 0;
}

static int open_place(struct registry *r, const struct route *route, size_t i,
		      struct repository **repo, struct err *e)
{
	const struct registries_place *place = &route->places.v[i];
	const struct repository_wish wish = {
		.ref = &place->ref,
		.lax = place->insecure,
		.foreign = strcmp(place->ref.host, route->host) != 0,
		.actions = "pull",
	};
	int result = repository_get(r, &wish, repo, e);

	return result < 0 ? err_wrap(e, result, "cannot read %s/%s", place->ref.host,
				     place->ref.path)
			  : 0;
}

/* Another thread may have found out before. */
static void go_on(struct registry *r, struct route *route, size_t failed,
		  const struct err *why)
{
	const struct oci_reference *now = &route->places.v[failed].ref;
	const struct oci_reference *next = &route->places.v[failed + 1].ref;
	bool first;

	pthread_mutex_lock(&r->lock);
	first = route->current == failed;
	if (first)
		route->current++;
	pthread_mutex_unlock(&r->lock);
	if (first)
		registry_log(r, "%s/%s cannot serve %s: %s; going on with %s/%s",
			     now->host, now->path, route->name, why->text, next->host,
			     next->path);
}

static int get_route(struct registry *r, const struct oci_reference *ref,
		     struct route **route, size_t *current, struct err *e)
{
	int result;

	pthread_mutex_lock(&r->lock);
	result = find_route(r, ref, route, e);
	if (result == 0)
		*current = (*route)->current;
	pthread_mutex_unlock(&r->lock);
	return result;
}

int route_now(struct registry *r, const struct oci_reference *ref,
	      struct repository **repo, struct err *e)
{
	struct route *route;
	size_t current;
	int result = get_route(r, ref, &route, &current, e);

	return result < 0 ? result : open_place(r, route, current, repo, e);
}

int route_last(struct registry *r, const struct oci_reference *ref,
	       struct repository **repo, struct err *e)
{
	struct route *route;
	size_t current;
	int result = get_route(r, ref, &route, &current, e);

	return result < 0 ? result : open_place(r, route, route->places.n - 1, repo, e);
}

int route_follow(struct registry *r, const struct oci_reference *ref, route_read read,
		 void *context, struct err *e)
{
	struct route *route;
	size_t i = 0;
	int result = get_route(r, ref, &route, &i, e);

	if (result < 0)
		return result;
	for (;; i++) {
		AUTO_ERR struct err why = ERR_INIT;
		struct repository *repo;

		result = open_place(r, route, i, &repo, &why);
		if (result == 0)
			result = read(context, repo, &route->places.v[i].ref, &why);
		if (result == 0)
			return 0;
		if (result == -ECANCELED || i + 1 == route->places.n)
			return err_set(e, result, "%s", why.text);
		go_on(r, route, i, &why);
	}
}

/* ---- short names ---- */

static void replace(struct oci_reference *ref, const char *name)
{
	oci_reference_free(ref);
	(void)oci_reference_parse(ref, name, NULL); /* it was written from one */
}

int registry_complete(struct registry *r, struct oci_reference *ref, struct err *e)
{
	AUTO_FREE char *short_name = oci_reference_format(ref);
	AUTO_STRBUF struct strbuf failures = STRBUF_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	int result = registries_candidates(&r->conf, ref, &names, e);

	if (result < 0)
		return result;
	replace(ref, names.v[0]);
	if (names.n == 1)
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
		AUTO_ERR struct err why = ERR_INIT;

		replace(ref, names.v[i]);
		result = registry_head(r, ref, &d, &why);
		/* There, but its digest remains to be seen. */
		if (result == 0 || result == -EOPNOTSUPP)
			return 0;
		if (result == -ECANCELED)
			return err_set(e, result, "%s", why.text);
		strbuf_addf(&failures, "%s%s", failures.len ? "; " : "", why.text);
		registry_log(r, "%s", why.text);
	}
	return err_set(e, result, "none of the registries to search has '%s': %s",
		       short_name, failures.data);
}
