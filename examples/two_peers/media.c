/* SPDX-License-Identifier: BSL-1.0
 * media.c - files: read from disk, encrypted and uploaded in parts, downloaded, decrypted and hashed. */
#include "two_peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define PART 65536 /* what one upload.saveFilePart carries: a multiple of 1,024, at most 524,288 */

static EVP_MD_CTX *hash_begin(const EVP_MD *type) {
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  if (hash == NULL || EVP_DigestInit_ex(hash, type, NULL) != 1) fail("libcrypto failed");
  return hash;
}

static void hash_add(EVP_MD_CTX *hash, const uint8_t *data, size_t size) {
  if (EVP_DigestUpdate(hash, data, size) != 1) fail("libcrypto failed");
}

static void hash_end(EVP_MD_CTX *hash, uint8_t *out) {
  if (EVP_DigestFinal_ex(hash, out, NULL) != 1) fail("libcrypto failed");
  EVP_MD_CTX_free(hash);
}

static void check(int status, const char *what) {
  if (status != SCHAT_OK) fail("%s: %s", what, schat_status_text(status));
}

static FILE *open_file(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (file == NULL) fail("cannot open %s", path);
  return file;
}

static int64_t file_size(FILE *file) {
  long size;
  if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0) fail("cannot measure a file");
  return size;
}

/* Host's random for the file's key: of the peer, so that a run can be repeated. A real host passes NULL. */
static int file_random(void *user_data, uint8_t *out, size_t size) {
  uint64_t *state = (uint64_t *)user_data;
  size_t i;
  for (i = 0; i < size; i++) out[i] = (uint8_t)random_next(state);
  return 0;
}

void media_generate(const char *path, int64_t size, uint64_t seed) {
  FILE *file = open_file(path, "wb");
  uint64_t state = seed;
  int64_t i;
  for (i = 0; i < size; i++) {
    if (putc((int)random_below(&state, 256), file) == EOF) fail("cannot write %s", path);
  }
  if (fclose(file) != 0) fail("cannot write %s", path);
}

/* Uploading ---------------------------------------------------------------------------------------------------------------- */

typedef struct job {
  peer *p;
  FILE *source;
  schat_file *cipher;
  EVP_MD_CTX *md5, *sha;
  upload *u;
} job;

static void cipher_begin(job *j) {
  check(schat_file_encrypt_begin(NULL, j->u->key, j->u->iv, j->u->size, file_random, &j->p->random, &j->cipher), "encrypting a file");
}

/* The program was stopped in the middle of an upload: a checkpoint of 32 bytes is all it takes to go on where it was. */
static void cipher_resume(job *j) {
  uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE];
  int64_t offset;
  check(schat_file_checkpoint(j->cipher, checkpoint, &offset), "a checkpoint");
  schat_file_free(j->cipher);
  cipher_begin(j);
  check(schat_file_resume(j->cipher, checkpoint, offset), "resuming");
}

/* One part: read, encrypted in place, handed to the server. Returns the bytes of the file it took. */
static size_t upload_part(job *j, int32_t part) {
  static uint8_t buffer[PART + 16];
  const size_t size = fread(buffer, 1, PART, j->source);
  schat_bytes bytes;
  size_t written;
  hash_add(j->sha, buffer, size);
  check(schat_file_update(j->cipher, buffer, size, buffer, &written), "encrypting a part");
  hash_add(j->md5, buffer, written);
  bytes.data = buffer;
  bytes.size = written;
  relay_upload_part(j->p->world->relay, j->p->device, j->u->file.id, part, bytes);
  return size;
}

static void upload_parts(job *j, const char *path) {
  const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
  const int32_t parts = (int32_t)((j->u->size + PART - 1) / PART);
  char what[96];
  int64_t done = 0;
  int32_t part;
  snprintf(what, sizeof what, "uploads %.24s, %d parts", name, (int)parts);
  for (part = 0; part < parts; part++) {
    if (part == parts / 2) cipher_resume(j);
    done += (int64_t)upload_part(j, part);
    screen_progress(j->p->name, what, done, j->u->size);
  }
  j->u->file.parts = parts;
}

static void write_hex(const uint8_t *bytes, size_t size, char *out) {
  size_t i;
  for (i = 0; i < size; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void media_upload(peer *p, const char *path, upload *u) {
  uint8_t md5[16];
  job j;
  memset(u, 0, sizeof *u);
  j.p = p;
  j.u = u;
  j.source = open_file(path, "rb");
  j.md5 = hash_begin(EVP_md5());
  j.sha = hash_begin(EVP_sha256());
  u->size = file_size(j.source);
  u->file.type = SCHAT_INPUT_FILE_UPLOADED;
  u->file.id = peer_new_id(p);
  check(schat_file_generate(file_random, &p->random, u->key, u->iv), "a file key");
  check(schat_file_fingerprint(u->key, u->iv, &u->file.key_fingerprint), "a file fingerprint");
  cipher_begin(&j);
  upload_parts(&j, path);
  hash_end(j.md5, md5);
  hash_end(j.sha, u->digest);
  write_hex(md5, sizeof md5, u->file.md5_checksum);
  schat_file_free(j.cipher);
  fclose(j.source);
}

/* Downloading -------------------------------------------------------------------------------------------------------------- */

static void decrypt_to(const peer *p, schat_file *cipher, schat_bytes bytes, FILE *target) {
  static uint8_t buffer[PART + 16];
  size_t at, size, written;
  for (at = 0; at < bytes.size; at += size) {
    size = bytes.size - at < PART ? bytes.size - at : PART;
    check(schat_file_update(cipher, bytes.data + at, size, buffer, &written), "decrypting a part");
    if (fwrite(buffer, 1, written, target) != written) fail("cannot write a file");
    screen_progress(p->name, "downloads and decrypts", (int64_t)(at + size), (int64_t)bytes.size);
  }
}

static void hash_file(const char *path, uint8_t digest[DIGEST_SIZE]) {
  uint8_t buffer[4096];
  FILE *file = open_file(path, "rb");
  EVP_MD_CTX *sha = hash_begin(EVP_sha256());
  size_t size;
  while ((size = fread(buffer, 1, sizeof buffer, file)) > 0) hash_add(sha, buffer, size);
  hash_end(sha, digest);
  fclose(file);
}

void media_download(peer *p, const attachment *a, const char *path, uint8_t digest[DIGEST_SIZE]) {
  schat_file *cipher = NULL;
  schat_bytes bytes;
  FILE *target;
  if (!relay_file(p->world->relay, &a->file, &bytes)) fail("the server does not have the file");
  check(schat_file_decrypt_begin(NULL, a->key, a->iv, a->size, &a->file, &cipher), "decrypting a file");
  target = open_file(path, "wb");
  decrypt_to(p, cipher, bytes, target);
  schat_file_free(cipher);
  if (fclose(target) != 0) fail("cannot write %s", path);
  hash_file(path, digest);
}
