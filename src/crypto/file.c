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
  int marked; /* while the parts of one call are told apart */
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

/* Pieces ------------------------------------------------------------------------------------------------------------------------- */

#define TOGETHER \
  32u /* pieces whose streams run side by side: twice what the widest kernel takes, which fills the lanes of short ones again */

/* A piece of a file on its way through the cipher. Nothing of the file changes before it has arrived. */
typedef struct {
  schat_file *file;
  const uint8_t *in;
  uint8_t *out;
  size_t whole;        /* bytes that go from in to out */
  size_t tail;         /* bytes of plaintext in one more block, the last of the file; 0: there is none */
  size_t advance;      /* bytes of ciphertext */
  size_t written;      /* bytes of out */
  uint8_t last[BLOCK]; /* that block */
  uint8_t iv[SCHAT_FILE_CHECKPOINT_SIZE];
  int status;
} piece;

static uint64_t plain_left(const schat_file *file) {
  return file->offset < file->plain_size ? (uint64_t)(file->plain_size - file->offset) : 0;
}

/* Whole blocks, then the last, partial one filled up with random bytes. */
static int prepare_encryption(piece *p, size_t size) {
  uint64_t left = plain_left(p->file);
  p->tail = size % BLOCK;
  p->whole = size - p->tail;
  if (size > left || (p->tail != 0 && size != left)) return SCHAT_E_INVALID;
  p->advance = p->written = p->tail != 0 ? p->whole + BLOCK : p->whole;
  if (p->tail == 0) return SCHAT_OK;
  memcpy(p->last, p->in + p->whole, p->tail);
  return schat__random(p->file->crypto, p->last + p->tail, BLOCK - p->tail);
}

/* Blocks that hold plaintext only, then one that holds its end; blocks beyond it mean nothing and are passed over. */
static int prepare_decryption(piece *p, size_t size) {
  uint64_t left = plain_left(p->file);
  if (size % BLOCK != 0 || size > (uint64_t)(p->file->cipher_size - p->file->offset)) return SCHAT_E_INVALID;
  p->advance = size;
  p->written = size < left ? size : (size_t)left;
  p->tail = p->written % BLOCK;
  p->whole = p->written - p->tail;
  if (p->tail != 0) memcpy(p->last, p->in + p->whole, BLOCK); /* out may be in */
  return SCHAT_OK;
}

static void piece_begin(piece *p, schat_file *file, const uint8_t *in, size_t size, uint8_t *out) {
  p->file = file;
  p->in = in;
  p->out = out;
  p->status = SCHAT_E_INVALID;
  if (file == NULL || (size > 0 && (in == NULL || out == NULL))) return;
  p->whole = p->tail = p->advance = p->written = 0;
  memcpy(p->iv, file->iv, sizeof p->iv);
  p->status = SCHAT_OK;
  if (size > 0) p->status = file->encrypting ? prepare_encryption(p, size) : prepare_decryption(p, size);
}

static void piece_end(piece *p) {
  if (p->status == SCHAT_OK) {
    if (p->tail != 0) memcpy(p->out + p->whole, p->last, p->file->encrypting ? BLOCK : p->tail);
    memcpy(p->file->iv, p->iv, sizeof p->iv);
    p->file->offset += (int64_t)p->advance;
  }
  schat__wipe(p->iv, sizeof p->iv);
  schat__wipe(p->last, sizeof p->last);
}

static schat__ige_job job_of(piece *p, int last) {
  const schat__ige_job whole = {p->file->key, p->iv, p->in, p->out, p->whole, SCHAT_OK};
  const schat__ige_job end = {p->file->key, p->iv, p->last, p->last, BLOCK, SCHAT_OK};
  return last ? end : whole;
}

static int run_one(schat__crypto *crypto, int encrypting, const schat__ige_job *j) {
  return (encrypting ? schat__ige_encrypt : schat__ige_decrypt)(crypto, j->key, j->iv, j->in, j->out, j->size);
}

/* Of the pieces that go in one direction the whole blocks, or, later, the last ones. */
static void run_jobs(piece *pieces, size_t count, int encrypting, int last) {
  schat__ige_job jobs[TOGETHER];
  piece *of[TOGETHER];
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    piece *p = &pieces[i];
    if (p->status != SCHAT_OK || p->file->encrypting != encrypting || (last ? p->tail : p->whole) == 0) continue;
    jobs[n] = job_of(p, last);
    of[n++] = p;
  }
  if (n == 0) return;
  schat__crypto *crypto = of[0]->file->crypto;
  if (n == 1) {
    of[0]->status = run_one(crypto, encrypting, jobs);
    return;
  }
  (void)(encrypting ? schat__ige_encrypt_n : schat__ige_decrypt_n)(crypto, jobs, n);
  for (size_t i = 0; i < n; i++) of[i]->status = jobs[i].status;
}

static void run_pieces(piece *pieces, size_t count) {
  for (int last = 0; last < 2; last++) {
    run_jobs(pieces, count, 1, last);
    run_jobs(pieces, count, 0, last);
  }
  for (size_t i = 0; i < count; i++) piece_end(&pieces[i]);
}

int schat_file_update(schat_file *file, const uint8_t *in, size_t size, uint8_t *out, size_t *written) {
  if (file == NULL || written == NULL) return SCHAT_E_INVALID;
  piece p;
  piece_begin(&p, file, in, size, out);
  run_pieces(&p, 1);
  if (p.status == SCHAT_OK) *written = p.written;
  schat__wipe_traces();
  return p.status;
}

/* Each struct is of this version, and no file stands in two parts. */
static int check_parts(const schat_file_part *parts, size_t count) {
  int status = SCHAT_OK;
  size_t marked = 0;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].size != sizeof parts[i]) return SCHAT_E_ABI;
  }
  for (; marked < count && status == SCHAT_OK; marked++) {
    schat_file *file = parts[marked].file;
    if (file == NULL) continue;
    if (file->marked) {
      status = SCHAT_E_INVALID;
      break;
    }
    file->marked = 1;
  }
  for (size_t i = 0; i < marked; i++) {
    if (parts[i].file != NULL) parts[i].file->marked = 0;
  }
  return status;
}

static void update_together(schat_file_part *parts, size_t count) {
  piece pieces[TOGETHER];
  for (size_t i = 0; i < count; i++) piece_begin(&pieces[i], parts[i].file, parts[i].in, parts[i].in_size, parts[i].out);
  run_pieces(pieces, count);
  for (size_t i = 0; i < count; i++) {
    parts[i].status = pieces[i].status;
    if (pieces[i].status == SCHAT_OK) parts[i].written = pieces[i].written;
  }
}

int schat_file_update_many(schat_file_part *parts, size_t count) {
  if (parts == NULL && count > 0) return SCHAT_E_INVALID;
  int status = check_parts(parts, count);
  if (status != SCHAT_OK) return status;
  for (size_t at = 0; at < count; at += TOGETHER) update_together(parts + at, count - at < TOGETHER ? count - at : TOGETHER);
  schat__wipe_traces();
  return SCHAT_OK;
}

/* Places --------------------------------------------------------------------------------------------------------------------------- */

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
