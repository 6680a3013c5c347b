/* SPDX-License-Identifier: BSL-1.0
 * run_vectors.c - runs every file of known answers in a directory against the library, whatever its name and length. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "crypto/crypto.h"
#include "envelope/envelope.h"
#include "tl/tl.h"

#define ARENA_LIMIT ((size_t)256 << 20)
#define TYPE_NAMES 128u
#define FILL 0xa5 /* what memory holds that nobody may write to */
#define GUARD 32u

typedef struct memory {
  struct memory *next;
} memory;

typedef struct {
  schat__crypto *crypto;
  schat__arena arena;
  memory *kept; /* of this case */
  const char *file;
  size_t number; /* of this case, from 1 */
  size_t passed, failed;
  char types[TYPE_NAMES][64]; /* the name of a schat__tl_type, as this file uses it */
} run;

/* Memory and JSON ------------------------------------------------------------------------------------------------------------ */

static void *checked(void *p) {
  if (p == NULL) {
    fputs("no memory\n", stderr);
    exit(2);
  }
  return p;
}

/* A block of its own and of exactly that size, so that a memory checker sees every byte too far; freed after the case. */
static uint8_t *keep(run *r, size_t size) {
  uint8_t *bytes = checked(malloc(size > 0 ? size : 1));
  struct holder {
    memory head;
    uint8_t *bytes;
  } *holder = checked(malloc(sizeof *holder));
  holder->bytes = bytes;
  holder->head.next = r->kept;
  r->kept = &holder->head;
  return bytes;
}

static uint8_t *keep_copy(run *r, const uint8_t *data, size_t size) {
  uint8_t *copy = keep(r, size);
  if (size > 0) memcpy(copy, data, size);
  return copy;
}

static void drop_kept(run *r) {
  struct holder {
    memory head;
    uint8_t *bytes;
  };
  while (r->kept != NULL) {
    memory *next = r->kept->next;
    struct holder *holder = (struct holder *)(void *)r->kept;
    free(holder->bytes);
    free(holder);
    r->kept = next;
  }
  schat__arena_reset(&r->arena);
}

static int fail(run *r, const char *what) {
  if (r->number > 0) {
    printf("FAIL %s: case %zu: %s\n", r->file, r->number, what);
  } else {
    printf("FAIL %s: %s\n", r->file, what);
  }
  return 0;
}

#define REQUIRE(condition, what)              \
  do {                                        \
    if (!(condition)) return fail(r, (what)); \
  } while (0)

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static int hex_value(run *r, const json_t *value, schat_bytes *out) {
  const char *text = json_string_value(value);
  if (text == NULL || json_string_length(value) % 2 != 0) return 0;
  size_t size = json_string_length(value) / 2;
  uint8_t *bytes = keep(r, size);
  for (size_t i = 0; i < size; i++) {
    int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return 0;
    bytes[i] = (uint8_t)(high * 16 + low);
  }
  out->data = bytes;
  out->size = size;
  return 1;
}

static int hex_field(run *r, const json_t *c, const char *name, schat_bytes *out) {
  return hex_value(r, json_object_get(c, name), out);
}

/* NULL when the field is absent or has another size. */
static const uint8_t *fixed_field(run *r, const json_t *c, const char *name, size_t size) {
  schat_bytes bytes = {NULL, 0};
  return hex_field(r, c, name, &bytes) && bytes.size == size ? bytes.data : NULL;
}

/* A big-endian number, filled up with zeros to 256 bytes; NULL when it is longer. */
static const uint8_t *number_field(run *r, const json_t *c, const char *name) {
  schat_bytes bytes = {NULL, 0};
  if (!hex_field(r, c, name, &bytes)) return NULL;
  while (bytes.size > SCHAT__DH_SIZE && bytes.data[0] == 0) {
    bytes.data++;
    bytes.size--;
  }
  if (bytes.size > SCHAT__DH_SIZE) return NULL;
  uint8_t *padded = keep(r, SCHAT__DH_SIZE);
  memset(padded, 0, SCHAT__DH_SIZE);
  if (bytes.size > 0) memcpy(padded + SCHAT__DH_SIZE - bytes.size, bytes.data, bytes.size);
  return padded;
}

static int long_value(const json_t *value, int64_t *out) {
  if (json_is_integer(value)) {
    *out = json_integer_value(value);
    return 1;
  }
  const char *text = json_string_value(value);
  if (text == NULL || *text == 0) return 0;
  char *end = NULL;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return errno == 0 && *end == 0;
}

static int int_value(const json_t *value, int32_t *out) {
  json_int_t number = json_integer_value(value);
  if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX) return 0;
  *out = (int32_t)number;
  return 1;
}

static int is_filled(const uint8_t *p, size_t size, int byte) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != (uint8_t)byte) return 0;
  }
  return 1;
}

static int same(const uint8_t *a, const uint8_t *b, size_t size) {
  return size == 0 || memcmp(a, b, size) == 0;
}

/* IGE ---------------------------------------------------------------------------------------------------------------------- */

typedef int (*ige_function)(schat__crypto *, const uint8_t *, uint8_t *, const uint8_t *, uint8_t *, size_t);

typedef struct {
  ige_function function;
  const uint8_t *key, *iv, *iv_after;
  const uint8_t *in, *expected;
  size_t size;
} ige_job;

/* Pieces of `first` bytes, then 16 more each; in place when `in_place`. */
static int run_ige(run *r, const ige_job *job, size_t first, int in_place) {
  uint8_t iv[32], *out = keep(r, job->size), *in = keep_copy(r, job->in, job->size);
  size_t piece = first;
  memcpy(iv, job->iv, sizeof iv);
  if (in_place) out = in;
  for (size_t at = 0; at < job->size; piece += 16) {
    size_t now = piece < job->size - at ? piece : job->size - at;
    if (job->function(r->crypto, job->key, iv, in + at, out + at, now) != SCHAT_OK) return 0;
    at += now;
  }
  return same(out, job->expected, job->size) && same(iv, job->iv_after, sizeof iv);
}

static int case_ige(run *r, const json_t *c) {
  const uint8_t *key = fixed_field(r, c, "key", 32), *iv = fixed_field(r, c, "iv", 32), *after = fixed_field(r, c, "iv_after", 32);
  schat_bytes plain = {NULL, 0}, sealed = {NULL, 0};
  REQUIRE(key != NULL && iv != NULL && after != NULL && hex_field(r, c, "plaintext", &plain) && hex_field(r, c, "ciphertext", &sealed),
          "a field is missing or has a wrong size");
  REQUIRE(plain.size == sealed.size && plain.size % 16 == 0, "sizes differ, or are no multiple of 16");
  const ige_job there = {schat__ige_encrypt, key, iv, after, plain.data, sealed.data, plain.size};
  const ige_job back = {schat__ige_decrypt, key, iv, after, sealed.data, plain.data, plain.size};
  const size_t pieces[] = {SIZE_MAX - 15, 16, 64};
  for (int in_place = 0; in_place < 2; in_place++) {
    for (size_t i = 0; i < 3; i++) {
      REQUIRE(run_ige(r, &there, pieces[i], in_place), "encryption differs");
      REQUIRE(run_ige(r, &back, pieces[i], in_place), "decryption differs");
    }
  }
  return 1;
}

/* Key derivation ----------------------------------------------------------------------------------------------------------- */

static int case_kdf(run *r, const json_t *c) {
  const uint8_t *key = fixed_field(r, c, "key", 256), *msg_key = fixed_field(r, c, "msg_key", 16);
  const uint8_t *want_key = fixed_field(r, c, "aes_key", 32), *want_iv = fixed_field(r, c, "aes_iv", 32);
  int32_t mtproto = 0, x = 0;
  REQUIRE(key != NULL && msg_key != NULL && want_key != NULL && want_iv != NULL, "a field is missing or has a wrong size");
  REQUIRE(int_value(json_object_get(c, "mtproto"), &mtproto) && (mtproto == 1 || mtproto == 2), "mtproto is neither 1 nor 2");
  REQUIRE(int_value(json_object_get(c, "x"), &x) && (x == 0 || x == 8), "x is neither 0 nor 8");
  uint8_t aes_key[32], aes_iv[32];
  int status = mtproto == 1 ? schat__kdf1(r->crypto, aes_key, aes_iv, key, msg_key, (unsigned)x)
                            : schat__kdf2(r->crypto, aes_key, aes_iv, key, msg_key, (unsigned)x);
  REQUIRE(status == SCHAT_OK, "the derivation failed");
  REQUIRE(same(aes_key, want_key, 32), "the AES key differs");
  REQUIRE(same(aes_iv, want_iv, 32), "the AES IV differs");
  return 1;
}

/* Envelopes ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
  const uint8_t *key;
  int64_t fingerprint;
  int mtproto, originator;
  schat_bytes message;
  uint8_t *work; /* between guards */
  size_t work_size;
  const uint8_t *object;
  size_t object_size;
} envelope_job;

static int load_envelope(run *r, const json_t *c, envelope_job *job) {
  int32_t mtproto = 2;
  const json_t *originator = json_object_get(c, "sender_is_originator");
  job->key = fixed_field(r, c, "key", 256);
  if (json_object_get(c, "mtproto") != NULL && !int_value(json_object_get(c, "mtproto"), &mtproto)) return 0;
  job->mtproto = mtproto;
  job->originator = json_is_true(originator);
  if (job->key == NULL || !json_is_boolean(originator) || !hex_field(r, c, "message", &job->message)) return 0;
  return schat__key_fingerprint(r->crypto, job->key, &job->fingerprint) == SCHAT_OK;
}

/* Opens into guarded memory; the verdict, or -1 when something was written that must not be. */
static int open_envelope(run *r, envelope_job *job, int mtproto, int originator) {
  job->work_size = job->message.size > SCHAT__ENVELOPE_HEAD ? job->message.size - SCHAT__ENVELOPE_HEAD : 0;
  uint8_t *memory_of_work = keep(r, job->work_size + 2 * GUARD);
  static const uint8_t nothing[1] = {0};
  memset(memory_of_work, FILL, job->work_size + 2 * GUARD);
  job->work = memory_of_work + GUARD;
  job->object = nothing;
  job->object_size = 12345;
  int verdict = schat__envelope_open(r->crypto, job->key, job->fingerprint, mtproto, originator, job->message.data, job->message.size,
                                     job->work, &job->object, &job->object_size);
  if (!is_filled(memory_of_work, GUARD, FILL) || !is_filled(job->work + job->work_size, GUARD, FILL)) return -1;
  if (verdict == 1) return job->object == job->work + 4 && job->object_size <= job->work_size - 4 ? 1 : -1;
  int untouched = is_filled(job->work, job->work_size, 0) || is_filled(job->work, job->work_size, FILL);
  return verdict == 0 && untouched && job->object == nothing && job->object_size == 12345 ? 0 : -1;
}

/* Sealing what was opened must give the same bytes: what is random in a message is its padding. */
static int seals_again(run *r, const envelope_job *job) {
  uint8_t *apart = keep(r, job->message.size), *in_place = keep(r, job->message.size);
  memcpy(in_place + SCHAT__ENVELOPE_HEAD, job->work, job->work_size);
  if (schat__envelope_seal(r->crypto, job->key, job->fingerprint, job->originator, job->work, job->work_size, apart) != SCHAT_OK) return 0;
  if (schat__envelope_seal(r->crypto, job->key, job->fingerprint, job->originator, in_place + SCHAT__ENVELOPE_HEAD, job->work_size,
                           in_place) != SCHAT_OK) {
    return 0;
  }
  return same(apart, job->message.data, job->message.size) && same(in_place, job->message.data, job->message.size);
}

static int check_accepted(run *r, const json_t *c, envelope_job *job) {
  schat_bytes plain = {NULL, 0};
  REQUIRE(hex_field(r, c, "plaintext", &plain), "plaintext is missing");
  REQUIRE(open_envelope(r, job, job->mtproto, job->originator) == 1, "a lawful message is refused");
  REQUIRE(job->object_size == plain.size && same(job->object, plain.data, plain.size), "the plaintext differs");
  if (job->mtproto == 2) REQUIRE(seals_again(r, job), "sealing the plaintext again gives other bytes");
  envelope_job other = *job;
  REQUIRE(open_envelope(r, &other, 3 - job->mtproto, job->originator) == 0, "it opens as the other version too");
  if (job->mtproto == 2) REQUIRE(open_envelope(r, &other, 2, !job->originator) == 0, "it opens in the other direction too");
  other.fingerprint ^= 1;
  REQUIRE(open_envelope(r, &other, job->mtproto, job->originator) == 0, "it opens under another key fingerprint too");
  return 1;
}

static int case_envelope(run *r, const json_t *c) {
  envelope_job job;
  REQUIRE(load_envelope(r, c, &job) && (job.mtproto == 1 || job.mtproto == 2), "a field is missing or has a wrong size");
  return check_accepted(r, c, &job);
}

static int case_envelope_reject(run *r, const json_t *c) {
  envelope_job job;
  const json_t *accepted = json_object_get(c, "accepted");
  REQUIRE(load_envelope(r, c, &job) && json_is_boolean(accepted), "a field is missing or has a wrong size");
  if (json_is_true(accepted)) return check_accepted(r, c, &job);
  REQUIRE(open_envelope(r, &job, job.mtproto, job.originator) == 0, "it is not refused, or leaves something behind");
  return 1;
}

/* Diffie-Hellman ------------------------------------------------------------------------------------------------------------- */

typedef struct {
  int32_t g;
  const uint8_t *p, *a, *b, *g_a, *g_b, *key;
} dh_job;

static int load_dh(run *r, const json_t *c, dh_job *job) {
  job->p = number_field(r, c, "p");
  job->a = number_field(r, c, "a");
  job->b = number_field(r, c, "b");
  job->g_a = number_field(r, c, "g_a");
  job->g_b = number_field(r, c, "g_b");
  job->key = fixed_field(r, c, "key", SCHAT__DH_SIZE);
  return job->p != NULL && job->a != NULL && job->b != NULL && job->g_a != NULL && job->g_b != NULL && job->key != NULL &&
         int_value(json_object_get(c, "g"), &job->g) && job->g > 0 && job->g < 256;
}

static int power_is(run *r, const dh_job *job, const uint8_t *base, const uint8_t *exponent, const uint8_t *expected) {
  uint8_t result[SCHAT__DH_SIZE];
  return schat__dh_key(r->crypto, job->p, base, exponent, result) == SCHAT_OK && same(result, expected, sizeof result);
}

/* What an honest peer sends over a lawful prime must be accepted, in the form it has in the file and in the padded one. */
static int is_lawful_value(run *r, const json_t *c, const char *name, const dh_job *job, const uint8_t *own, const uint8_t *value) {
  schat_bytes raw = {NULL, 0};
  uint8_t padded[SCHAT__DH_SIZE];
  if (!hex_field(r, c, name, &raw)) return 0;
  if (schat__dh_check_public(r->crypto, job->p, own, raw.data, raw.size, padded) != 1 || !same(padded, value, sizeof padded)) return 0;
  return schat__dh_check_public(r->crypto, job->p, value, raw.data, raw.size, padded) == 0; /* X-07 */
}

static int case_dh(run *r, const json_t *c) {
  dh_job job;
  REQUIRE(load_dh(r, c, &job), "a field is missing or has a wrong size");
  uint8_t base[SCHAT__DH_SIZE] = {0}, hash[SCHAT_KEY_HASH_SIZE];
  base[SCHAT__DH_SIZE - 1] = (uint8_t)job.g;
  REQUIRE(power_is(r, &job, base, job.a, job.g_a), "g_a differs");
  REQUIRE(power_is(r, &job, base, job.b, job.g_b), "g_b differs");
  REQUIRE(power_is(r, &job, job.g_b, job.a, job.key), "the key made of g_b and a differs");
  REQUIRE(power_is(r, &job, job.g_a, job.b, job.key), "the key made of g_a and b differs");
  int64_t expected = 0, fingerprint = 0;
  REQUIRE(long_value(json_object_get(c, "key_fingerprint"), &expected), "key_fingerprint is missing");
  REQUIRE(schat__key_fingerprint(r->crypto, job.key, &fingerprint) == SCHAT_OK && fingerprint == expected, "the fingerprint differs");
  const uint8_t *picture = fixed_field(r, c, "visualization", sizeof hash);
  REQUIRE(picture != NULL, "visualization is missing or has a wrong size");
  REQUIRE(schat__key_hash(r->crypto, job.key, hash) == SCHAT_OK && same(hash, picture, sizeof hash), "the key picture differs");
  if (schat__dh_check_config(r->crypto, job.p, job.g) != 1) return 1;
  REQUIRE(is_lawful_value(r, c, "g_a", &job, job.g_b, job.g_a), "g_a is judged wrongly");
  REQUIRE(is_lawful_value(r, c, "g_b", &job, job.g_a, job.g_b), "g_b is judged wrongly");
  return 1;
}

static int case_dh_config(run *r, const json_t *c) {
  schat_bytes raw = {NULL, 0};
  const json_t *accepted = json_object_get(c, "accepted"), *g = json_object_get(c, "g");
  REQUIRE(hex_field(r, c, "p", &raw) && json_is_boolean(accepted) && json_is_integer(g), "a field is missing");
  const uint8_t *p = number_field(r, c, "p");
  int32_t generator = 0;
  int verdict = p != NULL && int_value(g, &generator) ? schat__dh_check_config(r->crypto, p, generator) : 0;
  REQUIRE(verdict == (json_is_true(accepted) ? 1 : 0), "the verdict differs");
  return 1;
}

/* TL objects ----------------------------------------------------------------------------------------------------------------- */

/* The table knows types by number, files by name: within a file one name must be one number, and the other way round. */
static int type_is(run *r, const char *name, size_t length, unsigned type) {
  if (type >= TYPE_NAMES || length == 0 || length >= sizeof r->types[0]) return 0;
  for (unsigned i = 0; i < TYPE_NAMES; i++) {
    int same_name = strlen(r->types[i]) == length && memcmp(r->types[i], name, length) == 0;
    if (same_name) return i == type;
  }
  if (r->types[type][0] != 0) return 0;
  memcpy(r->types[type], name, length);
  r->types[type][length] = 0;
  return 1;
}

static uint32_t flags_of(const schat__tl_object *object) {
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    if (schat__tl_field_of(object->constructor, i)->kind == SCHAT__TL_FLAGS) return (uint32_t)object->fields[i].i;
  }
  return 0;
}

static int object_matches(run *r, const schat__tl_object *object, const json_t *value);

static int string_matches(run *r, const schat__tl_field *field, schat_bytes s, const json_t *value) {
  schat_bytes expected = {NULL, 0};
  if (field->is_bytes) return hex_value(r, value, &expected) && expected.size == s.size && same(expected.data, s.data, s.size);
  if (!json_is_string(value) || json_string_length(value) != s.size) return 0;
  return s.size == 0 || memcmp(json_string_value(value), s.data, s.size) == 0;
}

static int vector_matches(run *r, const schat__tl_field *field, const schat__tl_value *v, const json_t *value) {
  if (!json_is_array(value) || json_array_size(value) != v->vector.count) return 0;
  for (size_t i = 0; i < v->vector.count; i++) {
    const json_t *item = json_array_get(value, i);
    int64_t l = 0;
    int32_t n = 0;
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      if (!object_matches(r, v->vector.items[i].object, item)) return 0;
    } else if (field->kind == SCHAT__TL_VECTOR_LONG) {
      if (!long_value(item, &l) || l != v->vector.items[i].l) return 0;
    } else if (!int_value(item, &n) || n != v->vector.items[i].i) {
      return 0;
    }
  }
  return 1;
}

static int field_matches(run *r, const schat__tl_field *field, const schat__tl_value *v, const json_t *value) {
  int32_t i = 0;
  int64_t l = 0;
  double d = json_number_value(value);
  switch (field->kind) {
    case SCHAT__TL_INT:
      return int_value(value, &i) && i == v->i;
    case SCHAT__TL_LONG:
      return long_value(value, &l) && l == v->l;
    case SCHAT__TL_DOUBLE:
      return json_is_number(value) && memcmp(&d, &v->d, sizeof d) == 0;
    case SCHAT__TL_STRING:
      return string_matches(r, field, v->s, value);
    case SCHAT__TL_OBJECT:
      return object_matches(r, v->object, value);
    case SCHAT__TL_VECTOR_INT:
    case SCHAT__TL_VECTOR_LONG:
    case SCHAT__TL_VECTOR_OBJECT:
      return vector_matches(r, field, v, value);
    case SCHAT__TL_TRUE:
      return json_is_true(value) && v->i == 1;
    default:
      return 0;
  }
}

static int object_matches(run *r, const schat__tl_object *object, const json_t *value) {
  const char *name = json_string_value(json_object_get(value, "_"));
  if (object == NULL || name == NULL || strcmp(object->constructor->name, name) != 0) return 0;
  uint32_t flags = flags_of(object);
  size_t named = 1;
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
    const json_t *item = json_object_get(value, field->name);
    int present = field->flag_bit == SCHAT__TL_ALWAYS || (flags >> field->flag_bit & 1u) != 0;
    if (field->kind == SCHAT__TL_FLAGS) continue;
    if (present != (item != NULL) || (present && !field_matches(r, field, &object->fields[i], item))) return 0;
    named += item != NULL;
  }
  return json_object_size(value) == named + (json_object_get(value, "flags") != NULL);
}

static int index_of(const schat__tl_constructor *c, unsigned *index) {
  for (size_t i = 0; i < schat__tl_constructor_count(); i++) {
    *index = (unsigned)i;
    if (schat__tl_constructor_at(i) == c) return 1;
  }
  return 0;
}

static schat__tl_object *build_object(run *r, const json_t *value);

static int build_vector(run *r, const schat__tl_field *field, schat__tl_value *v, const json_t *value) {
  size_t count = json_array_size(value);
  if (!json_is_array(value)) return 0;
  v->vector.count = count;
  v->vector.items = schat__arena_take(&r->arena, (count + 1) * sizeof *v->vector.items);
  for (size_t i = 0; i < count && v->vector.items != NULL; i++) {
    const json_t *item = json_array_get(value, i);
    if (field->kind == SCHAT__TL_VECTOR_LONG) {
      if (!long_value(item, &v->vector.items[i].l)) return 0;
    } else if (field->kind == SCHAT__TL_VECTOR_INT) {
      if (!int_value(item, &v->vector.items[i].i)) return 0;
    } else {
      v->vector.items[i].object = build_object(r, item);
      if (v->vector.items[i].object == NULL) return 0;
    }
  }
  return v->vector.items != NULL;
}

static int build_string(run *r, const schat__tl_field *field, schat__tl_value *v, const json_t *value) {
  if (field->is_bytes) return hex_value(r, value, &v->s);
  if (!json_is_string(value)) return 0;
  v->s.size = json_string_length(value);
  v->s.data = keep_copy(r, (const uint8_t *)json_string_value(value), v->s.size);
  return 1;
}

static int build_field(run *r, const schat__tl_field *field, schat__tl_value *v, const json_t *value) {
  switch (field->kind) {
    case SCHAT__TL_INT:
      return int_value(value, &v->i);
    case SCHAT__TL_LONG:
      return long_value(value, &v->l);
    case SCHAT__TL_DOUBLE:
      v->d = json_number_value(value);
      return json_is_number(value);
    case SCHAT__TL_STRING:
      return build_string(r, field, v, value);
    case SCHAT__TL_OBJECT:
      v->object = build_object(r, value);
      return v->object != NULL;
    case SCHAT__TL_VECTOR_INT:
    case SCHAT__TL_VECTOR_LONG:
    case SCHAT__TL_VECTOR_OBJECT:
      return build_vector(r, field, v, value);
    case SCHAT__TL_TRUE:
      v->i = json_is_true(value);
      return v->i;
    default:
      return 0;
  }
}

static schat__tl_object *build_object(run *r, const json_t *value) {
  const char *name = json_string_value(json_object_get(value, "_"));
  const schat__tl_constructor *c = name != NULL ? schat__tl_find_name(name) : NULL;
  unsigned index = 0;
  if (c == NULL || !index_of(c, &index)) return NULL;
  schat__tl_object *object = schat__tl_new(&r->arena, index);
  if (object == NULL) return NULL;
  uint32_t flags = 0;
  schat__tl_value *flags_field = NULL;
  for (size_t i = 0; i < c->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(c, i);
    const json_t *item = json_object_get(value, field->name);
    if (field->kind == SCHAT__TL_FLAGS) {
      flags_field = &object->fields[i];
      continue;
    }
    if (item == NULL && field->flag_bit != SCHAT__TL_ALWAYS) continue;
    if (item == NULL || !build_field(r, field, &object->fields[i], item)) return NULL;
    if (field->flag_bit != SCHAT__TL_ALWAYS) flags |= (uint32_t)1 << field->flag_bit;
  }
  if (flags_field != NULL) flags_field->i = (int32_t)flags; /* bits 0 to 30 only in this schema */
  return object;
}

static int encodes_to(run *r, const schat__tl_object *object, schat_bytes bytes) {
  uint8_t *out = keep(r, bytes.size), *small = keep(r, bytes.size - 1);
  size_t size = 0, needed = 0;
  if (schat__tl_encode(object, out, bytes.size, &size) != SCHAT_OK || size != bytes.size || !same(out, bytes.data, size)) return 0;
  return schat__tl_encode(object, small, bytes.size - 1, &needed) == SCHAT_E_BUFFER && needed == bytes.size;
}

static int is_refused_when_cut(run *r, unsigned type, schat_bytes bytes) {
  uint8_t *cut = keep_copy(r, bytes.data, bytes.size - 4);
  schat__tl_object *object = NULL;
  size_t used = 0;
  return schat__tl_decode(&r->arena, type, cut, bytes.size - 4, &object, &used) == SCHAT_E_MALFORMED &&
         schat__tl_skip(type, cut, bytes.size - 4, &used) == SCHAT_E_MALFORMED;
}

static int case_tl(run *r, const json_t *c) {
  const char *name = json_string_value(json_object_get(c, "constructor"));
  const json_t *value = json_object_get(c, "value"), *type = json_object_get(c, "type");
  schat_bytes bytes = {NULL, 0};
  int32_t layer = 0;
  REQUIRE(name != NULL && json_is_object(value) && json_is_string(type) && hex_field(r, c, "bytes", &bytes), "a field is missing");
  REQUIRE(bytes.size >= 4 && bytes.size % 4 == 0, "the bytes are no TL object");
  const schat__tl_constructor *constructor = schat__tl_find_name(name);
  REQUIRE(constructor != NULL, "the constructor is not known");
  REQUIRE(type_is(r, json_string_value(type), json_string_length(type), constructor->type), "the constructor has another type");
  REQUIRE(!int_value(json_object_get(c, "layer"), &layer) || constructor->layer == layer, "the constructor has another layer");
  schat__tl_object *object = NULL;
  size_t used = 0, skipped = 0;
  REQUIRE(schat__tl_decode(&r->arena, constructor->type, bytes.data, bytes.size, &object, &used) == SCHAT_OK, "it is not decoded");
  REQUIRE(used == bytes.size, "the decoded length differs");
  REQUIRE(object_matches(r, object, value), "the decoded object differs");
  REQUIRE(encodes_to(r, object, bytes), "what was decoded is encoded to other bytes");
  REQUIRE(schat__tl_skip(constructor->type, bytes.data, bytes.size, &skipped) == SCHAT_OK && skipped == bytes.size,
          "the skipped length differs");
  const schat__tl_object *built = build_object(r, value);
  REQUIRE(built != NULL, "the value names a field or constructor that is not known");
  REQUIRE(encodes_to(r, built, bytes), "the value is encoded to other bytes");
  REQUIRE(is_refused_when_cut(r, constructor->type, bytes), "it is accepted without its last four bytes");
  return 1;
}

/* The schema ------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *at;
  size_t length;
} word;

/* The next word of a line, up to a space; length 0 at the end. */
static word next_word(const char **line) {
  word w = {*line, 0};
  while (*w.at == ' ' || *w.at == '\t') w.at++;
  while (w.at[w.length] != 0 && strchr(" \t\r\n", w.at[w.length]) == NULL) w.length++;
  *line = w.at + w.length;
  return w;
}

static int word_is(word w, const char *text) {
  return w.length == strlen(text) && memcmp(w.at, text, w.length) == 0;
}

static int plain_kind(word type, unsigned *kind) {
  static const struct {
    const char *name;
    unsigned kind;
  } kinds[] = {{"int", SCHAT__TL_INT},       {"long", SCHAT__TL_LONG},    {"double", SCHAT__TL_DOUBLE},
               {"string", SCHAT__TL_STRING}, {"bytes", SCHAT__TL_STRING}, {"Vector<long>", SCHAT__TL_VECTOR_LONG},
               {"#", SCHAT__TL_FLAGS},       {"true", SCHAT__TL_TRUE},    {"Vector<int>", SCHAT__TL_VECTOR_INT}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    *kind = kinds[i].kind;
    if (word_is(type, kinds[i].name)) return 1;
  }
  return 0;
}

static int type_matches(run *r, word type, const schat__tl_field *field) {
  unsigned kind = 0;
  if (plain_kind(type, &kind)) return field->kind == kind && (kind != SCHAT__TL_STRING || field->is_bytes == word_is(type, "bytes"));
  static const char vector[] = "Vector<";
  const size_t head = sizeof vector - 1;
  if (type.length > head && memcmp(type.at, vector, head) == 0) {
    return field->kind == SCHAT__TL_VECTOR_OBJECT && type_is(r, type.at + head, type.length - head - 1, field->type);
  }
  return field->kind == SCHAT__TL_OBJECT && type_is(r, type.at, type.length, field->type);
}

/* name:type or name:flags.N?type */
static int field_line_matches(run *r, word w, const schat__tl_field *field) {
  const char *colon = memchr(w.at, ':', w.length);
  if (colon == NULL) return 0;
  word name = {w.at, (size_t)(colon - w.at)}, type = {colon + 1, w.length - name.length - 1};
  if (!word_is(name, field->name)) return 0;
  const char *question = memchr(type.at, '?', type.length);
  unsigned long bit = SCHAT__TL_ALWAYS;
  if (question != NULL) {
    static const char flags[] = "flags.";
    if (type.length < sizeof flags || memcmp(type.at, flags, sizeof flags - 1) != 0) return 0;
    bit = strtoul(type.at + sizeof flags - 1, NULL, 10);
    type.length -= (size_t)(question + 1 - type.at);
    type.at = question + 1;
  }
  return field->flag_bit == bit && type_matches(r, type, field);
}

/* The table may know more flags than the file as long as they have no bytes: clients of the cloud set some of them. */
static size_t pass_bare_flags(const schat__tl_constructor *c, size_t at, word w) {
  while (at < c->field_count) {
    const schat__tl_field *field = schat__tl_field_of(c, at);
    size_t length = strlen(field->name);
    int named = w.length > length && w.at[length] == ':' && memcmp(w.at, field->name, length) == 0;
    if (named || field->kind != SCHAT__TL_TRUE || field->flag_bit == SCHAT__TL_ALWAYS) break;
    at++;
  }
  return at;
}

/* name#id field … = Type; */
static int case_schema(run *r, const char *line, long layer) {
  word head = next_word(&line);
  const char *hash = memchr(head.at, '#', head.length);
  REQUIRE(hash != NULL && hash - head.at < 100, "the line names no constructor");
  char name[100] = {0};
  memcpy(name, head.at, (size_t)(hash - head.at));
  const schat__tl_constructor *c = schat__tl_find_name(name);
  REQUIRE(c != NULL && strcmp(c->name, name) == 0, "the constructor is not known");
  REQUIRE(c->id == strtoul(hash + 1, NULL, 16), "the constructor has another id");
  REQUIRE(schat__tl_find_id(c->id) == c, "the id names another constructor");
  REQUIRE(layer == 0 || c->layer == layer, "the constructor has another layer");
  size_t count = 0;
  word w = next_word(&line);
  for (; w.length > 0 && !word_is(w, "="); w = next_word(&line)) {
    count = pass_bare_flags(c, count, w);
    REQUIRE(count < c->field_count && field_line_matches(r, w, schat__tl_field_of(c, count)), "a field differs");
    count++;
  }
  REQUIRE(pass_bare_flags(c, count, w) == c->field_count, "the table has more fields");
  w = next_word(&line);
  REQUIRE(w.length > 1 && w.at[w.length - 1] == ';', "the line does not end");
  REQUIRE(type_is(r, w.at, w.length - 1, c->type), "the constructor has another type");
  return 1;
}

static void count_case(run *r, int good) {
  if (good) {
    r->passed++;
  } else {
    r->failed++;
  }
  drop_kept(r);
}

static size_t run_schema(run *r, FILE *file) {
  char line[4096];
  long layer = 0;
  r->number = 0;
  while (fgets(line, (int)sizeof line, file) != NULL) {
    static const char heading[] = "// layer ";
    if (strncmp(line, heading, sizeof heading - 1) == 0) layer = strtol(line + sizeof heading - 1, NULL, 10);
    const char *start = line + strspn(line, " \t\r\n");
    if (*start == 0 || strncmp(start, "//", 2) == 0) continue;
    r->number++;
    count_case(r, case_schema(r, start, layer));
  }
  return r->number;
}

/* Files ---------------------------------------------------------------------------------------------------------------------- */

typedef int (*case_function)(run *, const json_t *);

typedef struct {
  const char *name;
  const char *keys[4]; /* that tell its cases from those of the formats below it */
  case_function function;
} format;

static const format formats[] = {
    {"ige.json", {"iv_after", "ciphertext", "plaintext", "iv"}, case_ige},
    {"kdf.json", {"aes_key", "aes_iv", "msg_key", "x"}, case_kdf},
    {"envelope_reject.json", {"accepted", "message", "sender_is_originator", "key"}, case_envelope_reject},
    {"envelope.json", {"mtproto", "message", "sender_is_originator", "plaintext"}, case_envelope},
    {"dh.json", {"g_a", "g_b", "key", "key_fingerprint"}, case_dh},
    {"dh_config.json", {"accepted", "p", "g", "g"}, case_dh_config},
    {"tl.json", {"constructor", "value", "bytes", "type"}, case_tl},
};

#define FORMATS (sizeof formats / sizeof formats[0])

static int has_keys(const json_t *c, const format *f) {
  for (size_t i = 0; i < 4; i++) {
    if (json_object_get(c, f->keys[i]) == NULL) return 0;
  }
  return 1;
}

static const format *format_of(const char *name, const json_t *cases) {
  for (size_t i = 0; i < FORMATS; i++) {
    if (strcmp(name, formats[i].name) == 0) return &formats[i];
  }
  for (size_t i = 0; i < FORMATS; i++) {
    if (has_keys(json_array_get(cases, 0), &formats[i])) return &formats[i];
  }
  return NULL;
}

static size_t run_json(run *r, const json_t *cases) {
  const format *f = format_of(r->file, cases);
  if (f == NULL) return 0;
  for (size_t i = 0; i < json_array_size(cases); i++) {
    r->number = i + 1;
    count_case(r, f->function(r, json_array_get(cases, i)));
  }
  return json_array_size(cases);
}

static int ends_with(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* The number of cases; 0 is a file that could not be read, is empty, or has no format known here. */
static size_t run_cases(run *r, const char *path) {
  size_t count = 0;
  if (ends_with(path, ".tl")) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    count = run_schema(r, file);
    fclose(file);
  } else if (ends_with(path, ".json")) {
    json_t *cases = json_load_file(path, JSON_ALLOW_NUL, NULL);
    count = run_json(r, cases);
    json_decref(cases);
  }
  return count;
}

static void run_file(run *r, const char *directory, const char *name) {
  size_t size = strlen(directory) + strlen(name) + 2, failed = r->failed;
  char *path = checked(malloc(size));
  snprintf(path, size, "%s/%s", directory, name);
  r->file = name;
  r->number = 0;
  memset(r->types, 0, sizeof r->types);
  size_t count = run_cases(r, path);
  if (count == 0) {
    r->number = 0;
    count_case(r, fail(r, "no cases in a format that is known"));
  } else if (r->failed == failed) {
    printf("ok  %s  %zu cases\n", name, count);
  }
  free(path);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_folder(const char *directory, const char *name) {
  size_t size = strlen(directory) + strlen(name) + 2;
  char *path = checked(malloc(size));
  snprintf(path, size, "%s/%s", directory, name);
  DIR *folder = opendir(path);
  if (folder != NULL) closedir(folder);
  free(path);
  return folder != NULL;
}

/* Every file but README.md, hidden ones and folders, in the order of names. */
static size_t list_files(const char *directory, char ***names) {
  size_t count = 0;
  DIR *folder = opendir(directory);
  *names = NULL;
  if (folder == NULL) return 0;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    const char *name = entry->d_name;
    if (name[0] == '.' || strcmp(name, "README.md") == 0 || is_folder(directory, name)) continue;
    *names = checked(realloc(*names, (count + 1) * sizeof **names));
    (*names)[count] = checked(malloc(strlen(name) + 1));
    strcpy((*names)[count++], name);
  }
  closedir(folder);
  if (count > 0) qsort(*names, count, sizeof **names, by_name);
  return count;
}

int main(int argc, char **argv) {
  const char *directory = argc > 1 ? argv[1] : SCHAT_VECTORS_DIR;
  char **names = NULL;
  size_t count = list_files(directory, &names);
  run r;
  memset(&r, 0, sizeof r);
  schat__arena_init(&r.arena, NULL, ARENA_LIMIT);
  if (count == 0 || schat__crypto_new(NULL, NULL, NULL, &r.crypto) != SCHAT_OK) {
    fprintf(stderr, "%s: no files\n", directory);
    return 2;
  }
  for (size_t i = 0; i < count; i++) {
    run_file(&r, directory, names[i]);
    free(names[i]);
  }
  free(names);
  schat__crypto_free(r.crypto);
  schat__arena_free(&r.arena);
  printf("%zu passed, %zu failed\n", r.passed, r.failed);
  return r.failed == 0 ? 0 : 1;
}
