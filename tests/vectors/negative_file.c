/* SPDX-License-Identifier: BSL-1.0
 * negative_file.c - encrypted files whose description lies, or does not (R-FILE-02, R-FILE-03, D-30). */
#include "run_vectors.h"

typedef struct {
  const uint8_t *key, *iv;
  int64_t declared_size;
  schat_encrypted_file file;
  schat_bytes ciphertext, plaintext;
} description;

static int load(run *r, const json_t *c, description *d) {
  memset(d, 0, sizeof *d);
  d->key = fixed_field(r, c, "key", SCHAT_FILE_KEY_SIZE);
  d->iv = fixed_field(r, c, "iv", SCHAT_FILE_KEY_SIZE);
  return d->key != NULL && d->iv != NULL && long_value(json_object_get(c, "declared_size"), &d->declared_size) &&
         long_value(json_object_get(c, "file_size"), &d->file.size) && int_field(c, "key_fingerprint", &d->file.key_fingerprint) &&
         hex_field(r, c, "ciphertext", &d->ciphertext) && hex_field(r, c, "plaintext", &d->plaintext);
}

/* Decrypts in pieces of that size, the last one of what is left: the plaintext's size, or a negative status. */
static int64_t decrypt(const description *d, size_t piece, uint8_t *out) {
  schat_file *file = NULL;
  int64_t total = 0;
  int status = schat_file_decrypt_begin(NULL, d->key, d->iv, d->declared_size, &d->file, &file);
  for (size_t at = 0; status == SCHAT_OK && at < d->ciphertext.size; at += piece) {
    size_t now = d->ciphertext.size - at < piece ? d->ciphertext.size - at : piece, written = 0;
    status = schat_file_update(file, d->ciphertext.data + at, now, out + total, &written);
    if (status == SCHAT_OK) total += (int64_t)written;
  }
  int64_t done = 0;
  if (status == SCHAT_OK && schat_file_progress(file, &done) != 1) status = SCHAT_E_CORRUPT; /* an end that has not come */
  schat_file_free(file);
  return status == SCHAT_OK ? total : status;
}

int case_negative_file(run *r, const json_t *c) {
  description d;
  const char *verdict = text_field(c, "verdict");
  const int good = strcmp(verdict, "accept") == 0;
  const size_t pieces[] = {SIZE_MAX / 2, 16, 48};
  REQUIRE(good || strcmp(verdict, "refuse") == 0, "a verdict that is not known");
  REQUIRE(load(r, c, &d), "a field is missing or has a wrong size");
  for (size_t i = 0; i < 3; i++) {
    uint8_t *out = keep(r, d.ciphertext.size + GUARD);
    memset(out, FILL, d.ciphertext.size + GUARD);
    int64_t size = decrypt(&d, pieces[i], out);
    REQUIRE(is_filled(out + d.ciphertext.size, GUARD, FILL), "something is written beyond the file");
    REQUIRE((size >= 0) == good, good ? "a lawful file is refused" : "it is accepted");
    if (!good) continue;
    REQUIRE((size_t)size == d.plaintext.size && same(out, d.plaintext.data, d.plaintext.size), "the plaintext differs");
  }
  return 1;
}
