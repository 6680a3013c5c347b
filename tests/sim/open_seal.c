/* SPDX-License-Identifier: BSL-1.0
 * open_seal.c - stands in for src/crypto/seal.c in the simulator's copy of the library: records stay readable and are as hard to move or damage.
 *
 * What a real record hides, the checkers must find: an old key, a text that was to be gone. Form and size are those of the real one, the
 * tag covers storage key, salt, counter, name and content. */
#include <limits.h>
#include <string.h>

#include "common/bytes.h"
#include "crypto/engine.h"

#define HEAD_SIZE 25u
#define TAG_SIZE 16u

struct schat__sealer {
  schat_allocator allocator;
  const schat_allocator *mem;
  uint64_t key, counter;
  uint8_t salt[16];
};

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
  return h ^ (h >> 32);
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *data, size_t size) {
  for (; size >= 8; size -= 8, data += 8) h = mix(h, schat__load64(data));
  for (; size > 0; size--) h = mix(h, *data++);
  return h;
}

static void make_tag(const schat__sealer *s, const uint8_t *record, const uint8_t *aad, size_t aad_size, size_t size, uint8_t tag[TAG_SIZE]) {
  uint64_t h = mix_bytes(mix(s->key, size), record, HEAD_SIZE + size);
  h = mix_bytes(h, aad, aad_size);
  schat__store64(tag, h);
  schat__store64(tag + 8, mix(h, s->key));
}

int schat__sealer_new(const schat_allocator *mem, schat__crypto *crypto, const uint8_t storage_key[32], schat__sealer **out) {
  schat__sealer *s = schat__alloc(mem, sizeof *s);
  if (s == NULL) return SCHAT_E_NOMEM;
  if (mem != NULL) {
    s->allocator = *mem;
    s->mem = &s->allocator;
  }
  s->key = mix_bytes(1, storage_key, 32);
  int status = schat__random(crypto, s->salt, sizeof s->salt);
  if (status != SCHAT_OK) {
    schat__sealer_free(s);
    return status;
  }
  *out = s;
  return SCHAT_OK;
}

void schat__sealer_free(schat__sealer *s) {
  if (s == NULL) return;
  schat_allocator allocator = s->allocator;
  const schat_allocator *mem = s->mem != NULL ? &allocator : NULL;
  schat__free(mem, s, sizeof *s);
}

int schat__seal(schat__sealer *s, const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out) {
  if (aad_size > INT_MAX || size > INT_MAX - SCHAT__SEAL_OVERHEAD) return SCHAT_E_TOO_LARGE;
  out[0] = 1;
  memcpy(out + 1, s->salt, sizeof s->salt);
  schat__store64(out + 17, s->counter++);
  if (size > 0) memmove(out + HEAD_SIZE, in, size); /* in place, often */
  make_tag(s, out, aad, aad_size, size, out + HEAD_SIZE + size);
  return SCHAT_OK;
}

int schat__unseal(schat__sealer *s, const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out) {
  uint8_t tag[TAG_SIZE];
  if (size < SCHAT__SEAL_OVERHEAD || in[0] != 1) return 0;
  size_t plain_size = size - SCHAT__SEAL_OVERHEAD;
  make_tag(s, in, aad, aad_size, plain_size, tag);
  if (memcmp(tag, in + HEAD_SIZE + plain_size, TAG_SIZE) != 0) return 0;
  if (plain_size > 0) memcpy(out, in + HEAD_SIZE, plain_size);
  return 1;
}
