/* SPDX-License-Identifier: BSL-1.0
 * constant_time.c - runs every operation on secrets under memcheck and counts what is reported. tests/ct/run starts it.
 *
 *   constant_time               every operation, and with every kernel those that use one: 0 when nothing was reported
 *   constant_time --portable    with the portable kernel only; not records: without PCLMULQDQ libcrypto's GHASH looks up tables
 *   constant_time --kernel NAME what uses a kernel, with that one only
 *   constant_time --self-test   what is wrong on purpose: 0 when all of it was reported, and nothing else */
#include <stdio.h>
#include <string.h>
#include <valgrind/valgrind.h>

#include "crypto/engine.h"
#include "operations.h"

static unsigned done, reported;

static unsigned run(const operation *o, schat__crypto *crypto, const char *kernel) {
  unsigned before = reports();
  o->run(crypto);
  unsigned found = reports() - before;
  if (found > 0) printf("%-24s %-8s %u reports\n", o->name, kernel, found);
  done++;
  return found;
}

static void run_all(const operation *list, schat__crypto *crypto, const char *kernel) {
  for (; list->name != NULL; list++) reported += run(list, crypto, kernel);
}

/* Those that valgrind's processor lacks too: they are made of instructions that it has. */
typedef struct {
  const char *name;
  const schat__ige_kernel *ige;
  const schat__sha_kernel *sha;
} kernel;

static const kernel kernels[] = {
    {"evp", &schat__ige_evp, NULL},
#ifdef SCHAT__ARMV8
    {"armv8", &schat__ige_armv8, NULL},
#endif
#ifdef SCHAT__X86
    {"aesni", &schat__ige_aesni, NULL},
#endif
#ifdef SCHAT__X86_64
    {"aesni8", &schat__ige_aesni8, NULL}, {"sha-ni", &schat__ige_aesni8, &schat__sha_ni},
#endif
#ifdef SCHAT__X86_VAES
    {"vaes16", &schat__ige_vaes16, NULL}, {"vaes512", &schat__ige_vaes512, NULL},
#endif
};

static void run_kernel(const kernel *k, int portable_only) {
  schat__crypto *crypto = NULL;
  NEED(schat__crypto_new(NULL, secret_random, NULL, &crypto) == SCHAT_OK);
  crypto->ige = k->ige;
  crypto->sha = k->sha;
  if (k->sha != NULL) run_all(hash_operations, crypto, k->name);
  run_all(ige_operations, crypto, k->name);
  run_all(envelope_operations, crypto, k->name);
  schat__crypto_free(crypto);
  if (k->sha != NULL || schat__ige_force(k->name) != SCHAT_OK) return; /* these make their own schat__crypto */
  run_all(file_operations, NULL, k->name);
  if (!portable_only) run_all(chat_operations, NULL, k->name);
  NEED(schat__ige_force(NULL) == SCHAT_OK);
}

static int check(int portable) {
  schat__crypto *crypto = NULL;
  const size_t count = portable ? 1 : sizeof kernels / sizeof kernels[0];
  NEED(schat__crypto_new(NULL, secret_random, NULL, &crypto) == SCHAT_OK);
  run_all(hash_operations, crypto, "-");
  run_all(key_operations, crypto, "-");
  if (!portable) run_all(store_operations, crypto, "-");
  schat__crypto_free(crypto);
  for (size_t i = 0; i < count; i++) run_kernel(&kernels[i], portable);
  printf("operations %u kernels %zu reports %u\n", done, count, reported);
  return reported == 0 ? 0 : 1;
}

static int check_kernel(const char *name) {
  size_t found = 0;
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
    if (strcmp(kernels[i].name, name) != 0) continue;
    run_kernel(&kernels[i], 1);
    found++;
  }
  printf("operations %u kernels %zu reports %u\n", done, found, reported);
  return reported == 0 && found == 1 ? 0 : 1;
}

static int self_test(void) {
  schat__crypto *crypto = NULL;
  unsigned blind = 0, false_alarms = 0;
  NEED(schat__crypto_new(NULL, secret_random, NULL, &crypto) == SCHAT_OK);
  for (const operation *o = leaky_operations; o->name != NULL; o++) blind += run(o, crypto, "leaky") == 0;
  for (const operation *o = harmless_operations; o->name != NULL; o++) false_alarms += run(o, crypto, "harmless") != 0;
  schat__crypto_free(crypto);
  printf("self-test: %u not reported, %u reported wrongly\n", blind, false_alarms);
  return blind == 0 && false_alarms == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  if (!RUNNING_ON_VALGRIND) {
    fprintf(stderr, "constant_time: shows nothing outside memcheck; tests/ct/run starts it there\n");
    return 2;
  }
  if (argc > 1 && strcmp(argv[1], "--self-test") == 0) return self_test();
  if (argc > 2 && strcmp(argv[1], "--kernel") == 0) return check_kernel(argv[2]);
  return check(argc > 1 && strcmp(argv[1], "--portable") == 0);
}
