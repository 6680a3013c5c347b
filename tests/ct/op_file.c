/* SPDX-License-Identifier: BSL-1.0
 * op_file.c - the cipher of files: key, iv, content and checkpoints are secret; the fingerprint goes to the server. */
#include <string.h>

#include "operations.h"

#define SIZE 1000 /* its end lies within a block */

static uint8_t key[32], iv[32], plain[SIZE], sealed[1008], again[1008];

static void take_keys(void) {
  NEED(schat_file_generate(secret_random, NULL, key, iv) == SCHAT_OK);
  NEED(is_secret(key, sizeof key) && is_secret(iv, sizeof iv));
  fill_secret(plain, sizeof plain);
}

static void update(schat_file *file, const uint8_t *in, size_t size, uint8_t *out, size_t expected) {
  size_t written = 0;
  NEED(schat_file_update(file, in, size, out, &written) == SCHAT_OK);
  NEED(written == expected);
}

static void encrypt_all(void) {
  schat_file *file = NULL;
  take_keys();
  NEED(schat_file_encrypt_begin(NULL, key, iv, SIZE, secret_random, NULL, &file) == SCHAT_OK);
  update(file, plain, 512, sealed, 512);
  update(file, plain + 512, SIZE - 512, sealed + 512, sizeof sealed - 512);
  schat_file_free(file);
  NEED(is_secret(sealed, sizeof sealed));
}

static void encrypt_file(schat__crypto *crypto) {
  (void)crypto;
  encrypt_all();
}

static schat_encrypted_file describe(int32_t flaw) {
  schat_encrypted_file description;
  memset(&description, 0, sizeof description);
  int32_t fingerprint = 0;
  NEED(schat_file_fingerprint(key, iv, &fingerprint) == SCHAT_OK);
  make_public(&fingerprint, sizeof fingerprint); /* sent beside the file */
  description.size = sizeof sealed;
  description.key_fingerprint = fingerprint ^ flaw;
  return description;
}

static void decrypt_file(schat__crypto *crypto) {
  (void)crypto;
  uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE];
  int64_t offset = 0;
  schat_file *file = NULL;
  encrypt_all();
  schat_encrypted_file description = describe(0);
  NEED(schat_file_decrypt_begin(NULL, key, iv, SIZE, &description, &file) == SCHAT_OK);
  update(file, sealed, 256, again, 256);
  NEED(schat_file_checkpoint(file, checkpoint, &offset) == SCHAT_OK && offset == 256);
  schat_file_free(file);
  NEED(schat_file_decrypt_begin(NULL, key, iv, SIZE, &description, &file) == SCHAT_OK);
  NEED(schat_file_resume(file, checkpoint, offset) == SCHAT_OK);
  update(file, sealed + 256, sizeof sealed - 256, again + 256, SIZE - 256);
  schat_file_free(file);
  NEED(is_secret(again, SIZE));
  make_public(again, sizeof again);
  make_public(plain, sizeof plain);
  NEED(memcmp(again, plain, SIZE) == 0);
}

static void wrong_fingerprint(schat__crypto *crypto) {
  (void)crypto;
  schat_file *file = NULL;
  encrypt_all();
  schat_encrypted_file description = describe(1);
  NEED(schat_file_decrypt_begin(NULL, key, iv, SIZE, &description, &file) == SCHAT_E_FINGERPRINT);
}

static schat_file_part part_of(schat_file *file, const uint8_t *in, size_t size, uint8_t *out) {
  schat_file_part part;
  SCHAT_INIT(part);
  part.file = file;
  part.in = in;
  part.in_size = size;
  part.out = out;
  return part;
}

/* Several each way, with a last block that is not whole. */
static void many_files(schat__crypto *crypto) {
  (void)crypto;
  static uint8_t outs[6][1008];
  schat_file *files[6];
  schat_file_part parts[6];
  encrypt_all();
  schat_encrypted_file description = describe(0);
  for (size_t i = 0; i < 6; i++) {
    if (i % 2 == 0)
      NEED(schat_file_encrypt_begin(NULL, key, iv, SIZE, secret_random, NULL, &files[i]) == SCHAT_OK);
    else
      NEED(schat_file_decrypt_begin(NULL, key, iv, SIZE, &description, &files[i]) == SCHAT_OK);
    parts[i] = part_of(files[i], i % 2 == 0 ? plain : sealed, i % 2 == 0 ? SIZE : sizeof sealed, outs[i]);
  }
  NEED(schat_file_update_many(parts, 6) == SCHAT_OK);
  for (size_t i = 0; i < 6; i++) {
    NEED(parts[i].status == SCHAT_OK && is_secret(outs[i], SIZE));
    schat_file_free(files[i]);
  }
}

const operation file_operations[] = {{"file_encrypt", encrypt_file},
                                     {"file_decrypt", decrypt_file},
                                     {"file_many", many_files},
                                     {"file_wrong_fingerprint", wrong_fingerprint},
                                     {NULL, NULL}};
