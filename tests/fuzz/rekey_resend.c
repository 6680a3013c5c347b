/* SPDX-License-Identifier: BSL-1.0
 * rekey_resend.c - target: a peer that knows every key sends key exchanges and Resends without end, in any order and under any numbers. No state
 * is reached that breaks an invariant of chat.h, differs from the store, or cannot be opened again.
 *
 * Input: policy, then steps: mostly messages of the peer, between them time, answers and restarts. */
#include "bench/ops.h"
#include "fuzz.h"

#define STEPS_MAX 40u

static void step(bench *b, fuzz_input *in) {
  const unsigned what = fuzz_take8(in);
  if (what < 200) {
    op_peer(b, in, 1);
  } else if (what < 215) {
    op_fact(b, in);
  } else if (what < 225) {
    op_command(b, in);
  } else {
    op_machine(b, in);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bench b;
  fuzz_input in = {data, size};
  const unsigned flags = fuzz_take8(&in);
  b.host = NULL;
  b.rekey_messages = 0;
  bench_begin(&b, fuzz_digest(data, size), 0,
              flags & (SCHAT_POLICY_STRICT_REKEY | SCHAT_POLICY_CHAIN_SENDS | SCHAT_POLICY_TOLERATE_IN_SEQ_NO));
  for (unsigned i = 0; i < STEPS_MAX && in.size > 0; i++) {
    step(&b, &in);
    if (i % 8 == 7) bench_drain(&b);
  }
  bench_end(&b);
  return 0;
}
