/* SPDX-License-Identifier: MIT */
#include "binfmt/platform.h"

#include <string.h>
#include <sys/utsname.h>

#include "binfmt/elf.h"

#ifdef __x86_64__
#include <cpuid.h>

/* CPUID bits that make up a level (x86-64 psABI, "Micro-Architecture Levels"). */
enum {
	LEAF_1_ECX_V2 = bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 |
			bit_POPCNT,
	LEAF_1_ECX_V3 = bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C,
	LEAF_7_EBX_V3 = bit_BMI | bit_AVX2 | bit_BMI2,
};
#define LEAF_7_EBX_V4                                                                    \
	(bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL)
#define EXTENDED_ECX_V2 bit_LAHF_LM
#define EXTENDED_ECX_V3 bit_LZCNT

static bool has(unsigned have, unsigned want)
{
	return (have & want) == want;
}

static unsigned amd64_level(void)
{
	unsigned eax, ebx, ecx = 0, edx, ebx7 = 0, ecx7, extended = 0;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return 1;
	(void)__get_cpuid(0x80000001, &eax, &ebx, &extended, &edx); /* stays 0 */
	(void)__get_cpuid_count(7, 0, &eax, &ebx7, &ecx7, &edx);
	if (!has(ecx, LEAF_1_ECX_V2) || !has(extended, EXTENDED_ECX_V2))
		return 1;
	if (!has(ecx, LEAF_1_ECX_V3) || !has(ebx7, LEAF_7_EBX_V3) ||
	    !has(extended, EXTENDED_ECX_V3))
		return 2;
	return has(ebx7, LEAF_7_EBX_V4) ? 4 : 3;
}
#endif

/* Variants of the host's own platform beyond what its row in the table lists. */
static void add_host_variants(const struct binfmt_arch *arch, struct strv *platforms)
{
#ifdef __x86_64__
	unsigned level = amd64_level();

	for (unsigned i = 2; strcmp(arch->name, "x86_64") == 0 && i <= level; i++)
		strv_addf(platforms, "linux/amd64/v%u", i);
#else
	(void)arch;
	(void)platforms;
#endif
}

/* An old 32-bit Arm CPU says so in its machine name: "armv6l". */
static bool arm_is_too_new(const char *platform)
{
	struct utsname u;

	if (strncmp(platform, "linux/arm/v", 11) != 0 || uname(&u) < 0 ||
	    strncmp(u.machine, "armv", 4) != 0)
		return false;
	return platform[11] > u.machine[4];
}

static void add_arch(const struct binfmt_arch *arch, struct strv *platforms)
{
	for (size_t i = 0; i < arch->platforms.n; i++) {
		const char *platform = arch->platforms.v[i];

		if (!strv_has(platforms, platform) && !arm_is_too_new(platform))
			strv_add(platforms, platform);
	}
}

int binfmt_platforms_native(const struct binfmt_archs *archs, const bool *native,
			    struct strv *platforms, struct err *e)
{
	struct binfmt_elf own;
	int r = binfmt_elf_read_own(&own, NULL, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < archs->n; i++) {
		const struct binfmt_magic *m = &archs->v[i].magics[0];

		if (m->machine != own.machine || m->bits != own.bits ||
		    m->big_endian != own.big_endian)
			continue;
		add_arch(&archs->v[i], platforms);
		add_host_variants(&archs->v[i], platforms);
	}
	for (size_t i = 0; i < archs->n; i++)
		if (native[i])
			add_arch(&archs->v[i], platforms);
	return 0;
}

void binfmt_platforms_add(struct strv *platforms, const struct strv *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!strv_has(platforms, more->v[i]))
			strv_add(platforms, more->v[i]);
}
