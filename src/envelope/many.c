/* SPDX-License-Identifier: BSL-1.0
 * many.c - many messages sealed or opened together, with the results of one after the other: hashes two at a time, ciphers as many as the
 * processor advances at the price of one. Who comes alone, or where there is nothing to gain, goes the way of envelope.c. */
#include <string.h>

#include "../common/bytes.h"
#include "../common/mem.h"
#include "../crypto/traces.h"
#include "envelope.h"

#define WINDOW 16u
#define BLOCK 16u

typedef struct {
  uint8_t aes_key[32], aes_iv[32];
  uint8_t msg_key[16];
} message_keys;

/* What is done with a job, whichever way it goes. */
typedef struct {
  const uint8_t *key;
  unsigned x; /* R-ENC-07 */
  const uint8_t *in, *plaintext;
  uint8_t *out;
  size_t size; /* of in and out */
  void *job;
} task;

typedef struct {
  task tasks[WINDOW];
  message_keys keys[WINDOW];
  schat__ige_job ciphers[WINDOW];
  size_t count;
} window;

/* By size, which is public: those of one size stand together. */
static void add(window *w, const task *t) {
  size_t i = w->count++;
  for (; i > 0 && w->tasks[i - 1].size > t->size; i--) w->tasks[i] = w->tasks[i - 1];
  w->tasks[i] = *t;
}

static int make_msg_keys(schat__crypto *crypto, window *w) {
  int status = SCHAT_OK;
  for (size_t i = 0; status == SCHAT_OK && i < w->count; i++) {
    const task *a = &w->tasks[i], *b = a + 1;
    if (i + 1 == w->count || a->size != b->size) {
      status = schat__msg_key2(crypto, w->keys[i].msg_key, a->key, a->x, a->plaintext, a->size);
      continue;
    }
    uint8_t *const made[2] = {w->keys[i].msg_key, w->keys[i + 1].msg_key};
    const uint8_t *const keys[2] = {a->key, b->key}, *const plaintexts[2] = {a->plaintext, b->plaintext};
    const unsigned x[2] = {a->x, b->x};
    status = schat__msg_key2_two(crypto, made, keys, x, plaintexts, a->size);
    i++;
  }
  return status;
}

/* `msg_key`: where that of job i stands. */
static int derive(schat__crypto *crypto, window *w, size_t i, const uint8_t *msg_key) {
  const task *t = &w->tasks[i];
  const schat__ige_job cipher = {w->keys[i].aes_key, w->keys[i].aes_iv, t->in, t->out, t->size, SCHAT_OK};
  w->ciphers[i] = cipher;
  return schat__kdf2(crypto, w->keys[i].aes_key, w->keys[i].aes_iv, t->key, msg_key, t->x);
}

static void forget(window *w) {
  schat__wipe(w->keys, w->count * sizeof w->keys[0]);
  w->count = 0;
  schat__wipe_near_traces();
}

/* Sealing --------------------------------------------------------------------------------------------------------------------- */

static int seal_together(schat__crypto *crypto, window *w) {
  int status = make_msg_keys(crypto, w);
  for (size_t i = 0; status == SCHAT_OK && i < w->count; i++) status = derive(crypto, w, i, w->keys[i].msg_key);
  if (status == SCHAT_OK) status = schat__ige_encrypt_n(crypto, w->ciphers, w->count);
  for (size_t i = 0; i < w->count; i++) {
    schat__seal_job *job = w->tasks[i].job;
    job->status = status;
    if (status != SCHAT_OK) continue;
    schat__store64(job->out, (uint64_t)job->key_fingerprint);
    memcpy(job->out + 8, w->keys[i].msg_key, sizeof w->keys[i].msg_key);
  }
  return status;
}

static int seal_alone(schat__crypto *crypto, schat__seal_job *job) {
  job->status = schat__envelope_seal(crypto, job->key, job->key_fingerprint, job->sender_is_originator, job->padded, job->padded_size,
                                     job->out);
  return job->status;
}

static int seal_window(schat__crypto *crypto, window *w) {
  const int status = w->count == 1 ? seal_alone(crypto, w->tasks[0].job) : seal_together(crypto, w);
  forget(w);
  return status;
}

int schat__envelope_seal_n(schat__crypto *crypto, schat__seal_job *jobs, size_t count) {
  window w;
  int first = SCHAT_OK;
  w.count = 0;
  for (size_t i = 0; i < count; i++) {
    schat__seal_job *job = &jobs[i];
    const task t = {job->key,    job->sender_is_originator ? 0 : 8,        job->padded,
                    job->padded, job->out + SCHAT__ENVELOPE_HEAD, job->padded_size, job};
    int status = SCHAT_OK;
    if (t.size == 0 || t.size % BLOCK != 0 || !schat__ige_gains(crypto)) {
      status = seal_alone(crypto, job);
    } else {
      add(&w, &t);
      if (w.count == WINDOW) status = seal_window(crypto, &w);
    }
    if (first == SCHAT_OK) first = status;
  }
  if (w.count > 0) {
    const int status = seal_window(crypto, &w);
    if (first == SCHAT_OK) first = status;
  }
  return first;
}

/* Opening --------------------------------------------------------------------------------------------------------------------- */

static void open_alone(schat__crypto *crypto, schat__open_job *job) {
  job->verdict = schat__envelope_open(crypto, job->key, job->key_fingerprint, 2, job->sender_is_originator, job->message, job->size, job->work,
                                      &job->object, &job->object_size);
}

static void open_together(schat__crypto *crypto, window *w) {
  int status = SCHAT_OK;
  for (size_t i = 0; status == SCHAT_OK && i < w->count; i++) {
    status = derive(crypto, w, i, ((const schat__open_job *)w->tasks[i].job)->message + 8);
  }
  if (status == SCHAT_OK) status = schat__ige_decrypt_n(crypto, w->ciphers, w->count);
  if (status == SCHAT_OK) status = make_msg_keys(crypto, w);
  for (size_t i = 0; i < w->count; i++) {
    schat__open_job *job = w->tasks[i].job;
    job->verdict = status == SCHAT_OK ? schat__envelope_genuine(w->keys[i].msg_key, job->message, job->work, w->tasks[i].size) : status;
    job->verdict = schat__envelope_give(job->verdict, job->key_fingerprint, job->message, job->size, job->work, &job->object,
                                        &job->object_size);
  }
}

static void open_window(schat__crypto *crypto, window *w) {
  if (w->count == 1) {
    open_alone(crypto, w->tasks[0].job);
  } else {
    open_together(crypto, w);
  }
  forget(w);
}

void schat__envelope_open_n(schat__crypto *crypto, schat__open_job *jobs, size_t count) {
  window w;
  w.count = 0;
  for (size_t i = 0; i < count; i++) {
    schat__open_job *job = &jobs[i];
    if (job->size < SCHAT__ENVELOPE_HEAD + BLOCK || (job->size - SCHAT__ENVELOPE_HEAD) % BLOCK != 0 || !schat__ige_gains(crypto)) {
      open_alone(crypto, job);
      continue;
    }
    const task t = {job->key,  job->sender_is_originator ? 0 : 8, job->message + SCHAT__ENVELOPE_HEAD, job->work, job->work,
                    job->size - SCHAT__ENVELOPE_HEAD, job};
    add(&w, &t);
    if (w.count == WINDOW) open_window(crypto, &w);
  }
  if (w.count > 0) open_window(crypto, &w);
}
