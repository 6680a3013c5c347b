/* SPDX-License-Identifier: BSL-1.0
 * manager.c - target: an account through everything that can happen to it: every call, peers that know the keys, a server that lies, memory,
 * store and randomness that fail, clocks that jump, crashes. After every call a negative status has changed nothing; at every rest the
 * store holds what memory holds; after every restart it opens.
 *
 * Input: policy, then steps. */
#include "bench/ops.h"
#include "fuzz.h"

#define STEPS_MAX 48u

static void step(bench *b, fuzz_input *in) {
  const unsigned what = fuzz_take8(in);
  if (what < 80) {
    op_peer(b, in, 0);
  } else if (what < 140) {
    op_fact(b, in);
  } else if (what < 200) {
    op_command(b, in);
  } else {
    op_machine(b, in);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bench b;
  fuzz_input in = {data, size};
  const unsigned flags = fuzz_take8(&in);
  bench_begin(&b, fuzz_digest(data, size), fuzz_take8(&in) >= 240, flags);
  for (unsigned i = 0; i < STEPS_MAX && in.size > 0; i++) step(&b, &in);
  bench_end(&b);
  return 0;
}
