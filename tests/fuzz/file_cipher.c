/* SPDX-License-Identifier: BSL-1.0
 * file_cipher.c - target: the stream of encrypted files. Whatever the pieces, the places it is left and resumed at, and the lies of a server
 * about sizes: what was encrypted comes back, and nothing is written past what was asked for.
 *
 * Input: how, the sizes of pieces as they are needed, and from the end of these on the file. */
#include <string.h>

#include "fuzz.h"

#define FILE_MAX 2048u

static uint8_t sealed[FILE_MAX + 16], opened[FILE_MAX + 16], key[32], iv[32];

static size_t piece(fuzz_seed *seed, size_t left) {
  const size_t blocks = left / 16;
  if (blocks == 0 || fuzz_next(seed) % 4 == 0) return left;
  return (size_t)(fuzz_next(seed) % (blocks + 1)) * 16;
}

/* Once in a while the stream goes back to where it stood before, in a new object or the same. */
static void maybe_resume(fuzz_seed *seed, schat_file *file, size_t done) {
  uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE];
  int64_t offset = -1, progress = -1;
  FUZZ_MUST(schat_file_progress(file, &progress) >= 0);
  if (fuzz_next(seed) % 3 != 0 || schat_file_checkpoint(file, checkpoint, &offset) != SCHAT_OK) return;
  FUZZ_MUST(offset == (int64_t)done && done % 16 == 0);
  FUZZ_MUST(schat_file_resume(file, checkpoint, offset) == SCHAT_OK);
  FUZZ_MUST(schat_file_resume(file, checkpoint, offset + 1) == SCHAT_E_INVALID);
}

static void encrypt(fuzz_seed *seed, schat_bytes plain) {
  schat_file *file = NULL;
  size_t done = 0, out = 0;
  FUZZ_MUST(schat_file_encrypt_begin(NULL, key, iv, (int64_t)plain.size, fuzz_random, seed, &file) == SCHAT_OK);
  while (done < plain.size) {
    const size_t size = piece(seed, plain.size - done);
    size_t written = 0;
    FUZZ_MUST(schat_file_update(file, plain.data + done, size, sealed + out, &written) == SCHAT_OK);
    done += size;
    out += written;
    FUZZ_MUST(written == (size + 15) / 16 * 16);
    if (done % 16 == 0) maybe_resume(seed, file, done);
  }
  FUZZ_MUST(out == (size_t)schat_file_encrypted_size((int64_t)plain.size));
  size_t none = 0;
  FUZZ_MUST(schat_file_update(file, plain.data, 16, sealed, &none) == SCHAT_E_INVALID);
  schat_file_free(file);
}

static void decrypt(fuzz_seed *seed, schat_bytes plain, const schat_encrypted_file *server) {
  schat_file *file = NULL;
  const size_t all = (size_t)server->size;
  size_t done = 0, out = 0;
  FUZZ_MUST(schat_file_decrypt_begin(NULL, key, iv, (int64_t)plain.size, server, &file) == SCHAT_OK);
  while (done < all) {
    const size_t size = piece(seed, all - done);
    size_t written = 0;
    FUZZ_MUST(schat_file_update(file, sealed + done, size, opened + out, &written) == SCHAT_OK && written <= size);
    done += size;
    out += written;
    if (done < plain.size) maybe_resume(seed, file, done);
  }
  FUZZ_MUST(out == plain.size && fuzz_same(opened, plain.data, out));
  schat_file_free(file);
}

/* A server says what it likes of sizes and fingerprints. */
static void check_lies(fuzz_input *in, schat_bytes plain, const schat_encrypted_file *honest) {
  schat_encrypted_file server = *honest;
  schat_file *file = NULL;
  const int64_t media_size = fuzz_long(in);
  server.size = fuzz_long(in);
  server.key_fingerprint ^= fuzz_int(in) & 1;
  int status = schat_file_decrypt_begin(NULL, key, iv, media_size, &server, &file);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_FINGERPRINT || status == SCHAT_E_CORRUPT || status == SCHAT_E_INVALID);
  FUZZ_MUST((status == SCHAT_OK) == (file != NULL));
  if (status != SCHAT_OK) return;
  FUZZ_MUST(server.key_fingerprint == honest->key_fingerprint && media_size >= 0 && media_size <= server.size && server.size % 16 == 0);
  size_t written = 0;
  memset(opened, 0x77, sizeof opened);
  const size_t size = plain.size / 16 * 16;
  status = schat_file_update(file, sealed, size, opened, &written);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_INVALID);
  FUZZ_MUST(status == SCHAT_OK || written == 0);
  FUZZ_MUST(written <= size && opened[size] == 0x77);
  schat_file_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input in = {data, size};
  fuzz_seed seed = {fuzz_take64(&in)};
  schat_encrypted_file server;
  memset(&server, 0, sizeof server);
  FUZZ_MUST(schat_file_generate(fuzz_random, &seed, key, iv) == SCHAT_OK);
  fuzz_input lies = in;
  const schat_bytes plain = fuzz_rest(&in, FILE_MAX);
  encrypt(&seed, plain);
  server.id = 1;
  server.size = schat_file_encrypted_size((int64_t)plain.size);
  FUZZ_MUST(schat_file_fingerprint(key, iv, &server.key_fingerprint) == SCHAT_OK);
  decrypt(&seed, plain, &server);
  check_lies(&lies, plain, &server);
  return 0;
}
