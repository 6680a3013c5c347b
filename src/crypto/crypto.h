/* SPDX-License-Identifier: BSL-1.0
 * crypto.h - every primitive the protocol uses. OpenSSL's headers are included below this line of the house only.
 *
 * A schat__crypto holds the fetched algorithms and the contexts that are kept between calls: fetching costs more than hashing
 * a short message. It belongs to one thread at a time. All functions return SCHAT_OK or a negative status and write their outputs only
 * then; "verdict" functions return 1 (good), 0 (refused) or a negative status. Secrets on the stack are wiped on every path. */
#ifndef SCHAT_CRYPTO_CRYPTO_H
#define SCHAT_CRYPTO_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

#define SCHAT__DH_SIZE 256u

typedef struct schat__crypto schat__crypto;

/* `random` may be NULL (OpenSSL's generators). `mem` may be NULL. */
int schat__crypto_new(const schat_allocator *mem, schat_random_fn random, void *user_data, schat__crypto **out);
void schat__crypto_free(schat__crypto *crypto);
/* schat__wipe_traces, or less where nothing but kernels has worked since the last time: they go a third as deep as libcrypto. */
void schat__crypto_wipe_traces(schat__crypto *crypto);

/* rand.c ------------------------------------------------------------------------------------------------------------------
 * Many small requests: the caller's source, or a fast-key-erasure pool (AES-256-CTR keyed from RAND_bytes; the first 32 bytes of each
 * refill are the next key, bytes handed out are wiped at once; reseeded every 1,024 refills and after a fork, X-16). */
int schat__random(schat__crypto *crypto, uint8_t *out, size_t size);
/* Long-lived secrets (exponents, file keys): the caller's source or RAND_priv_bytes, no pool. */
int schat__random_private(schat__crypto *crypto, uint8_t *out, size_t size);

/* hash.c ------------------------------------------------------------------------------------------------------------------
 * Hash of a ‖ b; b may be NULL with size 0. */
int schat__sha1(schat__crypto *crypto, uint8_t out[20], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);
int schat__sha256(schat__crypto *crypto, uint8_t out[32], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);
int schat__md5(schat__crypto *crypto, uint8_t out[16], const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);
/* Four hashes, out[i] of the first size - 4 * i bytes of `data`, at little more than the price of one; size is at least 12. */
#define SCHAT__ENDS 4u
int schat__sha1_ends(schat__crypto *crypto, uint8_t out[SCHAT__ENDS][20], const uint8_t *data, size_t size);
/* 1 when equal; time depends on size alone. */
int schat__equal(const uint8_t *a, const uint8_t *b, size_t size);

/* ige.c -------------------------------------------------------------------------------------------------------------------
 * AES-256-IGE of `size` bytes, a multiple of 16 (0 is fine). `iv` is previous ciphertext block ‖ previous plaintext block; on
 * success it holds the pair that continues the stream. in == out is allowed; otherwise they must not overlap. */
int schat__ige_encrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);
int schat__ige_decrypt(schat__crypto *crypto, const uint8_t key[32], uint8_t iv[32], const uint8_t *in, uint8_t *out, size_t size);

/* One stream among many, as the arguments above. Keys may be shared; ivs and outputs belong to one job each, and no job writes where
 * another reads. */
typedef struct {
  const uint8_t *key; /* 32 bytes */
  uint8_t *iv;        /* 32 bytes */
  const uint8_t *in;
  uint8_t *out;
  size_t size;
  int status; /* out: of this job */
} schat__ige_job;

/* Does the jobs, many at a time where the processor can; all are tried. Returns the status of the first that failed, or SCHAT_OK; a job
 * that failed has its iv as it was. SCHAT_E_INVALID for a size that is no multiple of 16: then nothing was done and no status set. */
int schat__ige_encrypt_n(schat__crypto *crypto, schat__ige_job *jobs, size_t count);
int schat__ige_decrypt_n(schat__crypto *crypto, schat__ige_job *jobs, size_t count);
/* 1 where many at a time cost less than one after the other. */
int schat__ige_gains(const schat__crypto *crypto);

/* kdf.c -------------------------------------------------------------------------------------------------------------------
 * x is 0 for messages of the chat's originator, 8 for the others (R-ENC-07); MTProto 1 always uses 0 in secret chats. */
int schat__msg_key2(schat__crypto *crypto, uint8_t msg_key[16], const uint8_t key[256], unsigned x, const uint8_t *plaintext, size_t size);
/* The same of two messages of one size. */
int schat__msg_key2_two(schat__crypto *crypto, uint8_t *const msg_key[2], const uint8_t *const key[2], const unsigned x[2],
                        const uint8_t *const plaintext[2], size_t size);
/* One after the other: schat__ige_decrypt, then schat__msg_key2 of what comes out; the second costs next to nothing where the processor has
 * instructions for both. */
int schat__ige_open(schat__crypto *crypto, const uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t *in, uint8_t *out, size_t size,
                    uint8_t msg_key[16], const uint8_t key[256], unsigned x);
int schat__msg_key1(schat__crypto *crypto, uint8_t msg_key[16], const uint8_t *plaintext, size_t size);
/* The same of a plaintext that ends `padding` bytes before `size`, a secret that is 0, 4, 8 or 12; with any other, msg_key is 0. */
int schat__msg_key1_before(schat__crypto *crypto, uint8_t msg_key[16], const uint8_t *plaintext, size_t size, uint64_t padding);
int schat__kdf2(schat__crypto *crypto, uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t key[256], const uint8_t msg_key[16],
                unsigned x);
int schat__kdf1(schat__crypto *crypto, uint8_t aes_key[32], uint8_t aes_iv[32], const uint8_t key[256], const uint8_t msg_key[16],
                unsigned x);

/* dh.c --------------------------------------------------------------------------------------------------------------------
 * Verdict on a server's (p, g): R-DH-02..06. Telegram's published prime is compared, not tested; its g still is. */
int schat__dh_check_config(schat__crypto *crypto, const uint8_t p[256], int32_t g);
/* The number of the rules by which a prime is judged; it grows with every change of them. A verdict that is kept bears it. */
#define SCHAT__DH_RULES 1u
/* A prime that passed the long test by these rules before, as an authentic record says: it is not tested again. */
void schat__dh_trust(schat__crypto *crypto, const uint8_t p[256]);
/* Verdict on a peer's value, big-endian, 1 to 257 bytes with leading zeros (D-14): R-DH-07, R-DH-08, quadratic residue, and,
 * when `own` is given, different from it. `padded` receives the value as 256 bytes. */
int schat__dh_check_public(schat__crypto *crypto, const uint8_t p[256], const uint8_t own[256], const uint8_t *value, size_t size,
                           uint8_t padded[256]);
/* A fresh exponent (D-15; server_random is mixed in when it has 256 bytes) and its public value g^a mod p, drawn again until
 * that value is in the range of R-DH-08 and the exponent begins with no zero byte. */
int schat__dh_generate(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t *server_random, size_t server_random_size,
                       uint8_t exponent[256], uint8_t public_value[256]);
/* The acceptor's both steps at little more than the price of one where libcrypto and the processor can: an exponent drawn as
 * schat__dh_generate does, its public value, and key = peer^exponent as schat__dh_key has it. `peer` has been judged; the exponent is forgotten. */
int schat__dh_accept(schat__crypto *crypto, const uint8_t p[256], int32_t g, const uint8_t peer[256], const uint8_t *server_random,
                     size_t server_random_size, uint8_t public_value[256], uint8_t key[256]);
/* key = value^exponent mod p, padded to 256 bytes (R-DH-11), constant time in the exponent. */
int schat__dh_key(schat__crypto *crypto, const uint8_t p[256], const uint8_t value[256], const uint8_t exponent[256], uint8_t key[256]);
/* Last 8 bytes of SHA-1(key) as a little-endian int64 (R-DH-12). */
int schat__key_fingerprint(schat__crypto *crypto, const uint8_t key[256], int64_t *fingerprint);

/* picture.c ---------------------------------------------------------------------------------------------------------------
 * SHA-1(key)[0..16) ‖ SHA-256(key)[0..20) (R-DH-16). */
int schat__key_hash(schat__crypto *crypto, const uint8_t key[256], uint8_t hash[36]);

/* seal.c ------------------------------------------------------------------------------------------------------------------
 * Records for the store: AES-256-GCM under HKDF-SHA256(storage key, salt of this opening), nonce = counter of this opening; salt and
 * nonce stand in the value, `aad` is authenticated. Keys of older salts are derived on demand; a few are cached. */
#define SCHAT__SEAL_HEAD 25u     /* format 1, salt 16, counter 8 */
#define SCHAT__SEAL_OVERHEAD 41u /* and tag 16 */
typedef struct schat__sealer schat__sealer;
int schat__sealer_new(const schat_allocator *mem, schat__crypto *crypto, const uint8_t storage_key[32], schat__sealer **out);
void schat__sealer_free(schat__sealer *sealer);
/* `out` takes size + SCHAT__SEAL_OVERHEAD bytes; `in` may be out + SCHAT__SEAL_HEAD, where the ciphertext comes to stand. */
int schat__seal(schat__sealer *sealer, const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out);
/* `out` takes size - SCHAT__SEAL_OVERHEAD bytes. Verdict: 1, 0 (damaged, foreign or moved; out is zero), or a failure. */
int schat__unseal(schat__sealer *sealer, const uint8_t *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out);

#endif
