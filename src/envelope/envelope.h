/* SPDX-License-Identifier: BSL-1.0
 * envelope.h - the encrypted message on the wire: key_fingerprint (8) | msg_key (16) | AES-IGE(length (4) | object | padding). */
#ifndef SCHAT_ENVELOPE_ENVELOPE_H
#define SCHAT_ENVELOPE_ENVELOPE_H

#include "../crypto/crypto.h"

#define SCHAT__ENVELOPE_HEAD 24u
#define SCHAT__PADDING_MIN 12u
#define SCHAT__PADDING_MAX 1024u
#define SCHAT__PADDED_EXTRA (4u + SCHAT__PADDING_MAX + 16u)

/* Bytes of length ‖ object ‖ padding for an object of `size` bytes: the smallest lawful amount plus `extra_blocks` (0..15) blocks of
 * 16, or, with `buckets`, the next of the sizes that TDLib uses (D-12). */
size_t schat__padded_size(size_t size, unsigned extra_blocks, int buckets);

/* Turns the object of `size` bytes that stands at padded + 4 into length ‖ object ‖ random padding of `padded_size` bytes. */
int schat__pad(schat__crypto *crypto, uint8_t *padded, size_t size, size_t padded_size);

/* Seals what schat__pad made: `out` takes SCHAT__ENVELOPE_HEAD + padded_size bytes and may hold the padded bytes at out + 24 already
 * (padded == out + 24). The same input gives the same bytes: sealing is deterministic, its randomness is the padding. */
int schat__envelope_seal(schat__crypto *crypto, const uint8_t key[256], int64_t key_fingerprint, int sender_is_originator,
                         const uint8_t *padded, size_t padded_size, uint8_t *out);

/* The key fingerprint a message names; only for size >= 8. */
int64_t schat__envelope_fingerprint(const uint8_t *message);

/* One message among many. */
typedef struct {
  const uint8_t *key; /* 256 bytes */
  int64_t key_fingerprint;
  int sender_is_originator;
  const uint8_t *padded;
  size_t padded_size;
  uint8_t *out; /* as schat__envelope_seal has them */
  int status;   /* out: of this one */
} schat__seal_job;

/* Seals them all, together where that costs less. Returns the status of the first that failed, or SCHAT_OK. */
int schat__envelope_seal_n(schat__crypto *crypto, schat__seal_job *jobs, size_t count);

/* Opens a message in the fixed order of X-01. `work` takes size - 24 bytes and receives the plaintext (wiped when refused). Verdict
 * 1: *object points into work and *object_size is its length; 0 for every reason alike (R-DEC-01..07); or a failure.
 * `mtproto` is 2 or 1. A size that is not 24 + a multiple of 16, or under 40 bytes, is refused from public data alone. */
int schat__envelope_open(schat__crypto *crypto, const uint8_t key[256], int64_t key_fingerprint, int mtproto, int sender_is_originator,
                         const uint8_t *message, size_t size, uint8_t *work, const uint8_t **object, size_t *object_size);

typedef struct {
  const uint8_t *key; /* 256 bytes */
  int64_t key_fingerprint;
  int sender_is_originator;
  const uint8_t *message;
  size_t size;
  uint8_t *work; /* as schat__envelope_open has them */
  const uint8_t *object;
  size_t object_size;
  int verdict; /* out, as the two before */
} schat__open_job;

/* Opens them all, of MTProto 2, together where that costs less; each has the verdict that schat__envelope_open would have given. */
void schat__envelope_open_n(schat__crypto *crypto, schat__open_job *jobs, size_t count);

/* Between envelope.c and many.c: 1 when the msg_key that was made is the message's and the length is lawful, a secret until it is given
 * out; and the giving out: the verdict, with the object or with `work` wiped. */
int schat__envelope_genuine(const uint8_t made[16], const uint8_t *message, const uint8_t *work, size_t work_size);
int schat__envelope_give(int verdict, int64_t key_fingerprint, const uint8_t *message, size_t size, uint8_t *work, const uint8_t **object,
                         size_t *object_size);

#endif
