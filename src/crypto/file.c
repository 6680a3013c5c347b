/* SPDX-License-Identifier: BSL-1.0
 * file.c - encrypted files as a stream of pieces: R-FILE-01..03, D-30. */
#include <string.h>

#include "../common/bytes.h"
#include "../common/poison.h"
#include "engine.h"
#include "traces.h"

#define BLOCK 16

struct schat_file {
  schat_allocator allocator;
  const schat_allocator *mem; /* &allocator, or NULL */
  schat__crypto *crypto;
  int encrypting;
  uint8_t key[SCHAT_FILE_KEY_SIZE];
  uint8_t iv[SCHAT_FILE_CHECKPOINT_SIZE]; /* where the stream stands: the last ciphertext block and the last plaintext block */
  int64_t plain_size;
  int64_t cipher_size; /* a multiple of 16, at least plain_size */
  int64_t offset;      /* bytes of ciphertext done, a multiple of 16 */
};

int schat_file_generate(schat_random_fn random, void *user_data, uint8_t key[SCHAT_FILE_KEY_SIZE], uint8_t iv[SCHAT_FILE_KEY_SIZE]) {
  if (key == NULL || iv == NULL) return SCHAT_E_INVALID;
  uint8_t both[2 * SCHAT_FILE_KEY_SIZE];
  int status = schat__random_source(random, user_data, both, sizeof both);
  if (status == SCHAT_OK) {
    memcpy(key, both, SCHAT_FILE_KEY_SIZE);
    memcpy(iv, both + SCHAT_FILE_KEY_SIZE, SCHAT_FILE_KEY_SIZE);
  }
  schat__wipe(both, sizeof both);
  schat__wipe_traces();
  return status;
}

static int32_t fold_fingerprint(const uint8_t digest[16]) {
  return schat__int32(schat__load32(digest) ^ schat__load32(digest + 4));
}

int schat_file_fingerprint(const uint8_t key[SCHAT_FILE_KEY_SIZE], const uint8_t iv[SCHAT_FILE_KEY_SIZE], int32_t *fingerprint) {
  if (key == NULL || iv == NULL || fingerprint == NULL) return SCHAT_E_INVALID;
  uint8_t both[2 * SCHAT_FILE_KEY_SIZE], digest[EVP_MAX_MD_SIZE];
  memcpy(both, key, SCHAT_FILE_KEY_SIZE);
  memcpy(both + SCHAT_FILE_KEY_SIZE, iv, SCHAT_FILE_KEY_SIZE);
  EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
  int good = md5 != NULL && EVP_Digest(both, sizeof both, digest, NULL, md5, NULL) == 1;
  if (good) *fingerprint = fold_fingerprint(digest);
  EVP_MD_free(md5);
  schat__wipe(both, sizeof both);
  schat__wipe(digest, sizeof digest);
  schat__wipe_traces();
  return good ? SCHAT_OK : SCHAT_E_CRYPTO;
}

int64_t schat_file_encrypted_size(int64_t size) {
  if (size < 0 || size > INT64_MAX - (BLOCK - 1)) return SCHAT_E_INVALID;
  return (size + (BLOCK - 1)) / BLOCK * BLOCK;
}

static int open_file(const schat_allocator *allocator, schat_random_fn random, void *user_data, schat_file **out) {
  schat_file *file = schat__alloc(allocator, sizeof *file);
  if (file == NULL) return SCHAT_E_NOMEM;
  if (allocator != NULL) {
    file->allocator = *allocator;
    file->mem = &file->allocator;
  }
  int status = schat__crypto_new(allocator, random, user_data, &file->crypto);
  if (status != SCHAT_OK) {
    schat__free(allocator, file, sizeof *file);
    return status;
  }
  *out = file;
  return SCHAT_OK;
}

int schat_file_encrypt_begin(const schat_allocator *allocator, const uint8_t key[SCHAT_FILE_KEY_SIZE],
                             const uint8_t iv[SCHAT_FILE_KEY_SIZE], int64_t size, schat_random_fn random, void *user_data,
                             schat_file **file) {
  int64_t cipher_size = schat_file_encrypted_size(size);
  if (key == NULL || iv == NULL || file == NULL || cipher_size < 0) return SCHAT_E_INVALID;
  schat_file *made = NULL;
  int status = open_file(allocator, random, user_data, &made);
  if (status != SCHAT_OK) return status;
  memcpy(made->key, key, sizeof made->key);
  memcpy(made->iv, iv, sizeof made->iv);
  made->encrypting = 1;
  made->plain_size = size;
  made->cipher_size = cipher_size;
  *file = made;
  schat__wipe_traces();
  return SCHAT_OK;
}

/* The fingerprint first (R-FILE-03), then what is said of the sizes: all of it comes from the peer and the server. */
static int check_description(schat__crypto *crypto, const uint8_t *key, const uint8_t *iv, int64_t media_size,
                             const schat_encrypted_file *file) {
  uint8_t digest[16] = {0};
  int status = schat__md5(crypto, digest, key, SCHAT_FILE_KEY_SIZE, iv, SCHAT_FILE_KEY_SIZE);
  int32_t fingerprint = fold_fingerprint(digest);
  SCHAT__PUBLIC(&fingerprint, sizeof fingerprint); /* the server is told it */
  if (status == SCHAT_OK && fingerprint != file->key_fingerprint) status = SCHAT_E_FINGERPRINT;
  schat__wipe(digest, sizeof digest);
  if (status != SCHAT_OK) return status;
  if (media_size < 0 || media_size > file->size || file->size % BLOCK != 0) return SCHAT_E_CORRUPT;
  return SCHAT_OK;
}

int schat_file_decrypt_begin(const schat_allocator *allocator, const uint8_t key[SCHAT_FILE_KEY_SIZE],
                             const uint8_t iv[SCHAT_FILE_KEY_SIZE], int64_t media_size, const schat_encrypted_file *file,
                             schat_file **out) {
  if (key == NULL || iv == NULL || file == NULL || out == NULL) return SCHAT_E_INVALID;
  schat_file *made = NULL;
  int status = open_file(allocator, NULL, NULL, &made);
  if (status != SCHAT_OK) return status;
  status = check_description(made->crypto, key, iv, media_size, file);
  if (status != SCHAT_OK) {
    schat_file_free(made); /* and the traces of the comparison */
    return status;
  }
  memcpy(made->key, key, sizeof made->key);
  memcpy(made->iv, iv, sizeof made->iv);
  made->plain_size = media_size;
  made->cipher_size = file->size;
  *out = made;
  schat__wipe_traces();
  return SCHAT_OK;
}

/* Whole blocks, then the last, partial one filled up with random bytes, which are drawn before anything changes. */
static int encrypt_update(schat_file *file, const uint8_t *in, size_t size, uint8_t *out, size_t *written) {
  uint64_t left = file->offset < file->plain_size ? (uint64_t)(file->plain_size - file->offset) : 0;
  size_t tail = size % BLOCK, whole = size - tail;
  if (size > left || (tail != 0 && size != left)) return SCHAT_E_INVALID;
  uint8_t iv[SCHAT_FILE_CHECKPOINT_SIZE], last[BLOCK];
  int status = SCHAT_OK;
  memcpy(iv, file->iv, sizeof iv);
  if (tail != 0) {
    memcpy(last, in + whole, tail);
    status = schat__random(file->crypto, last + tail, BLOCK - tail);
  }
  if (status == SCHAT_OK) status = schat__ige_encrypt(file->crypto, file->key, iv, in, out, whole);
  if (status == SCHAT_OK && tail != 0) status = schat__ige_encrypt(file->crypto, file->key, iv, last, out + whole, BLOCK);
  if (status == SCHAT_OK) {
    size_t done = tail != 0 ? whole + BLOCK : whole;
    memcpy(file->iv, iv, sizeof iv);
    file->offset += (int64_t)done;
    *written = done;
  }
  schat__wipe(iv, sizeof iv);
  schat__wipe(last, sizeof last);
  return status;
}

/* Blocks that hold plaintext only, then one that holds its end; blocks beyond it mean nothing and are passed over. */
static int decrypt_update(schat_file *file, const uint8_t *in, size_t size, uint8_t *out, size_t *written) {
  if (size % BLOCK != 0 || size > (uint64_t)(file->cipher_size - file->offset)) return SCHAT_E_INVALID;
  uint64_t left = file->offset < file->plain_size ? (uint64_t)(file->plain_size - file->offset) : 0;
  size_t wanted = size < left ? size : (size_t)left;
  size_t tail = wanted % BLOCK, whole = wanted - tail;
  uint8_t iv[SCHAT_FILE_CHECKPOINT_SIZE], sealed[BLOCK], last[BLOCK];
  memcpy(iv, file->iv, sizeof iv);
  if (tail != 0) memcpy(sealed, in + whole, BLOCK);
  int status = schat__ige_decrypt(file->crypto, file->key, iv, in, out, whole);
  if (status == SCHAT_OK && tail != 0) status = schat__ige_decrypt(file->crypto, file->key, iv, sealed, last, BLOCK);
  if (status == SCHAT_OK) {
    if (tail != 0) memcpy(out + whole, last, tail);
    memcpy(file->iv, iv, sizeof iv);
    file->offset += (int64_t)size;
    *written = wanted;
  }
  schat__wipe(iv, sizeof iv);
  schat__wipe(last, sizeof last);
  return status;
}

int schat_file_update(schat_file *file, const uint8_t *in, size_t size, uint8_t *out, size_t *written) {
  if (file == NULL || written == NULL || (size > 0 && (in == NULL || out == NULL))) return SCHAT_E_INVALID;
  if (size == 0) {
    *written = 0;
    return SCHAT_OK;
  }
  int status = file->encrypting ? encrypt_update(file, in, size, out, written) : decrypt_update(file, in, size, out, written);
  schat__wipe_traces();
  return status;
}

int schat_file_checkpoint(const schat_file *file, uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE], int64_t *offset) {
  if (file == NULL || checkpoint == NULL || offset == NULL) return SCHAT_E_INVALID;
  if (file->offset > file->plain_size) return SCHAT_E_STATE; /* within or past the last block: nothing goes on from here */
  memcpy(checkpoint, file->iv, SCHAT_FILE_CHECKPOINT_SIZE);
  *offset = file->offset;
  schat__wipe_traces();
  return SCHAT_OK;
}

int schat_file_resume(schat_file *file, const uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE], int64_t offset) {
  if (file == NULL || checkpoint == NULL || offset < 0 || offset % BLOCK != 0 || offset > file->plain_size) return SCHAT_E_INVALID;
  memcpy(file->iv, checkpoint, SCHAT_FILE_CHECKPOINT_SIZE);
  file->offset = offset;
  schat__wipe_traces();
  return SCHAT_OK;
}

int schat_file_progress(const schat_file *file, int64_t *done) {
  if (file == NULL || done == NULL) return SCHAT_E_INVALID;
  *done = file->offset < file->plain_size ? file->offset : file->plain_size;
  return *done == file->plain_size;
}

void schat_file_free(schat_file *file) {
  if (file == NULL) return;
  schat__crypto_free(file->crypto);
  schat_allocator allocator = file->allocator;
  const schat_allocator *mem = file->mem != NULL ? &allocator : NULL;
  schat__free(mem, file, sizeof *file);
  schat__wipe_traces();
}
