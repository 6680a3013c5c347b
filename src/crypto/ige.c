/* SPDX-License-Identifier: BSL-1.0
 * ige.c - AES-256-IGE: what is true of every kernel stands here. */
#include "ige.h"

#include "engine.h"

int schat__ige_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  if (size % 16 != 0) return SCHAT_E_INVALID;
  if (size == 0) return SCHAT_OK;
  return crypto->ige->encrypt(crypto, key, iv, in, out, size);
}

int schat__ige_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size) {
  if (size % 16 != 0) return SCHAT_E_INVALID;
  if (size == 0) return SCHAT_OK;
  return crypto->ige->decrypt(crypto, key, iv, in, out, size);
}

static int sizes_are_lawful(const schat__ige_job *jobs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (jobs[i].size % 16 != 0) return 0;
  }
  return 1;
}

typedef int one_fn(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);

static int one_by_one(schat__crypto *crypto, one_fn *one, schat__ige_job *jobs, size_t count) {
  int first = SCHAT_OK;
  for (size_t i = 0; i < count; i++) {
    schat__ige_job *job = &jobs[i];
    job->status = one(crypto, job->key, job->iv, job->in, job->out, job->size);
    if (first == SCHAT_OK) first = job->status;
  }
  return first;
}

static int all_at_once(void (*many)(const schat__ige_job *jobs, size_t count), schat__ige_job *jobs, size_t count) {
  many(jobs, count);
  for (size_t i = 0; i < count; i++) jobs[i].status = SCHAT_OK;
  return SCHAT_OK;
}

int schat__ige_gains(const schat__crypto *crypto) {
  return crypto->ige->encrypt_n != NULL;
}

int schat__ige_encrypt_n(schat__crypto *crypto, schat__ige_job *jobs, size_t count) {
  if (!sizes_are_lawful(jobs, count)) return SCHAT_E_INVALID;
  if (crypto->ige->encrypt_n != NULL) return all_at_once(crypto->ige->encrypt_n, jobs, count);
  return one_by_one(crypto, schat__ige_encrypt, jobs, count);
}

int schat__ige_decrypt_n(schat__crypto *crypto, schat__ige_job *jobs, size_t count) {
  if (!sizes_are_lawful(jobs, count)) return SCHAT_E_INVALID;
  if (crypto->ige->decrypt_n != NULL) return all_at_once(crypto->ige->decrypt_n, jobs, count);
  return one_by_one(crypto, schat__ige_decrypt, jobs, count);
}
