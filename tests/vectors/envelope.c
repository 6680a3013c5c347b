/* SPDX-License-Identifier: BSL-1.0
 * envelope.c - sealed messages that open, and some that do not. */
#include "envelope/envelope.h"

#include "run_vectors.h"

typedef struct {
  const uint8_t *key;
  int64_t fingerprint;
  int mtproto, originator;
  schat_bytes message;
  uint8_t *work; /* between guards */
  size_t work_size;
  const uint8_t *object;
  size_t object_size;
} envelope_job;

static int load_envelope(run *r, const json_t *c, envelope_job *job) {
  int32_t mtproto = 2;
  const json_t *originator = json_object_get(c, "sender_is_originator");
  job->key = fixed_field(r, c, "key", 256);
  if (json_object_get(c, "mtproto") != NULL && !int_value(json_object_get(c, "mtproto"), &mtproto)) return 0;
  job->mtproto = mtproto;
  job->originator = json_is_true(originator);
  if (job->key == NULL || !json_is_boolean(originator) || !hex_field(r, c, "message", &job->message)) return 0;
  return schat__key_fingerprint(r->crypto, job->key, &job->fingerprint) == SCHAT_OK;
}

/* Opens into guarded memory; the verdict, or -1 when something was written that must not be. */
static int open_envelope(run *r, envelope_job *job, int mtproto, int originator) {
  job->work_size = job->message.size > SCHAT__ENVELOPE_HEAD ? job->message.size - SCHAT__ENVELOPE_HEAD : 0;
  uint8_t *memory_of_work = keep(r, job->work_size + 2 * GUARD);
  static const uint8_t nothing[1] = {0};
  memset(memory_of_work, FILL, job->work_size + 2 * GUARD);
  job->work = memory_of_work + GUARD;
  job->object = nothing;
  job->object_size = 12345;
  int verdict = schat__envelope_open(r->crypto, job->key, job->fingerprint, mtproto, originator, job->message.data, job->message.size,
                                     job->work, &job->object, &job->object_size);
  if (!is_filled(memory_of_work, GUARD, FILL) || !is_filled(job->work + job->work_size, GUARD, FILL)) return -1;
  if (verdict == 1) return job->object == job->work + 4 && job->object_size <= job->work_size - 4 ? 1 : -1;
  int untouched = is_filled(job->work, job->work_size, 0) || is_filled(job->work, job->work_size, FILL);
  return verdict == 0 && untouched && job->object == nothing && job->object_size == 12345 ? 0 : -1;
}

/* Sealing what was opened must give the same bytes: what is random in a message is its padding. */
static int seals_again(run *r, const envelope_job *job) {
  uint8_t *apart = keep(r, job->message.size), *in_place = keep(r, job->message.size);
  memcpy(in_place + SCHAT__ENVELOPE_HEAD, job->work, job->work_size);
  if (schat__envelope_seal(r->crypto, job->key, job->fingerprint, job->originator, job->work, job->work_size, apart) != SCHAT_OK) return 0;
  if (schat__envelope_seal(r->crypto, job->key, job->fingerprint, job->originator, in_place + SCHAT__ENVELOPE_HEAD, job->work_size,
                           in_place) != SCHAT_OK) {
    return 0;
  }
  return same(apart, job->message.data, job->message.size) && same(in_place, job->message.data, job->message.size);
}

static int check_accepted(run *r, const json_t *c, envelope_job *job) {
  schat_bytes plain = {NULL, 0};
  REQUIRE(hex_field(r, c, "plaintext", &plain), "plaintext is missing");
  REQUIRE(open_envelope(r, job, job->mtproto, job->originator) == 1, "a lawful message is refused");
  REQUIRE(job->object_size == plain.size && same(job->object, plain.data, plain.size), "the plaintext differs");
  if (job->mtproto == 2) REQUIRE(seals_again(r, job), "sealing the plaintext again gives other bytes");
  envelope_job other = *job;
  REQUIRE(open_envelope(r, &other, 3 - job->mtproto, job->originator) == 0, "it opens as the other version too");
  if (job->mtproto == 2) REQUIRE(open_envelope(r, &other, 2, !job->originator) == 0, "it opens in the other direction too");
  other.fingerprint ^= 1;
  REQUIRE(open_envelope(r, &other, job->mtproto, job->originator) == 0, "it opens under another key fingerprint too");
  return 1;
}

int case_envelope(run *r, const json_t *c) {
  envelope_job job;
  REQUIRE(load_envelope(r, c, &job) && (job.mtproto == 1 || job.mtproto == 2), "a field is missing or has a wrong size");
  return check_accepted(r, c, &job);
}

int case_envelope_reject(run *r, const json_t *c) {
  envelope_job job;
  const json_t *accepted = json_object_get(c, "accepted");
  REQUIRE(load_envelope(r, c, &job) && json_is_boolean(accepted), "a field is missing or has a wrong size");
  if (json_is_true(accepted)) return check_accepted(r, c, &job);
  REQUIRE(open_envelope(r, &job, job.mtproto, job.originator) == 0, "it is not refused, or leaves something behind");
  return 1;
}
