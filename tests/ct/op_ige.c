/* SPDX-License-Identifier: BSL-1.0
 * op_ige.c - every kernel, alone and with many streams: key, iv and text are secret. */
#include <string.h>

#include "operations.h"

#define JOBS 37u /* more than twice the lanes of any kernel, and not a multiple */
#define MOST 304u

static struct {
  uint8_t keys[JOBS][32], ivs[JOBS][32], text[JOBS][MOST], out[JOBS][MOST];
  schat__ige_job jobs[JOBS];
} c;

/* Sizes are public: they are those of packets and parts. */
static void prepare(void) {
  for (size_t j = 0; j < JOBS; j++) {
    schat__ige_job job = {c.keys[j], c.ivs[j], c.text[j], c.out[j], 16 * (j * 7 % 20), 0};
    fill_secret(c.keys[j], sizeof c.keys[j]);
    fill_secret(c.ivs[j], sizeof c.ivs[j]);
    fill_secret(c.text[j], sizeof c.text[j]);
    c.jobs[j] = job;
  }
}

static void finish(void) {
  for (size_t j = 0; j < JOBS; j++) {
    NEED(c.jobs[j].status == SCHAT_OK);
    NEED(is_secret(c.out[j], c.jobs[j].size));
    NEED(is_secret(c.ivs[j], sizeof c.ivs[j]));
  }
}

static void encrypt(schat__crypto *crypto) {
  prepare();
  for (size_t j = 0; j < JOBS; j++) NEED(schat__ige_encrypt(crypto, c.keys[j], c.ivs[j], c.text[j], c.out[j], c.jobs[j].size) == SCHAT_OK);
  finish();
}

static void decrypt(schat__crypto *crypto) {
  prepare();
  for (size_t j = 0; j < JOBS; j++) NEED(schat__ige_decrypt(crypto, c.keys[j], c.ivs[j], c.text[j], c.out[j], c.jobs[j].size) == SCHAT_OK);
  finish();
}

static void encrypt_many(schat__crypto *crypto) {
  prepare();
  NEED(schat__ige_encrypt_n(crypto, c.jobs, JOBS) == SCHAT_OK);
  finish();
}

static void decrypt_many(schat__crypto *crypto) {
  prepare();
  NEED(schat__ige_decrypt_n(crypto, c.jobs, JOBS) == SCHAT_OK);
  finish();
}

/* What came of it is right as well, or the check would be of something else. */
static void there_and_back(schat__crypto *crypto) {
  static uint8_t before[JOBS][MOST];
  prepare();
  uint8_t ivs[JOBS][32];
  memcpy(ivs, c.ivs, sizeof ivs);
  memcpy(before, c.text, sizeof before);
  NEED(schat__ige_encrypt_n(crypto, c.jobs, JOBS) == SCHAT_OK);
  memcpy(c.ivs, ivs, sizeof ivs);
  for (size_t j = 0; j < JOBS; j++) {
    c.jobs[j].in = c.out[j];
    NEED(j % 2 == 0 || schat__ige_decrypt(crypto, c.keys[j], c.ivs[j], c.out[j], c.out[j], c.jobs[j].size) == SCHAT_OK);
    if (j % 2 == 1) c.jobs[j].size = 0;
  }
  NEED(schat__ige_decrypt_n(crypto, c.jobs, JOBS) == SCHAT_OK);
  make_public(c.out, sizeof c.out);
  make_public(before, sizeof before);
  for (size_t j = 0; j < JOBS; j++) NEED(memcmp(c.out[j], before[j], 16 * (j * 7 % 20)) == 0);
}

const operation ige_operations[] = {
    {"ige_encrypt", encrypt},
    {"ige_decrypt", decrypt},
    {"ige_encrypt_n", encrypt_many},
    {"ige_decrypt_n", decrypt_many},
    {"ige_there_and_back", there_and_back},
    {NULL, NULL},
};
