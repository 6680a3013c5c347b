/* SPDX-License-Identifier: BSL-1.0
 * content.c - messages as values: a digest to compare them by, a way to show them, and a generator of all kinds. */
#include "two_peers.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

/* Digest ------------------------------------------------------------------------------------------------------------------- */

static void add(EVP_MD_CTX *sha, const void *data, size_t size) {
  if (size > 0 && EVP_DigestUpdate(sha, data, size) != 1) fail("libcrypto failed");
}

static void add_number(EVP_MD_CTX *sha, int64_t value) {
  uint8_t bytes[8];
  int i;
  for (i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
  add(sha, bytes, sizeof bytes);
}

static void add_bytes(EVP_MD_CTX *sha, schat_bytes bytes) {
  add_number(sha, (int64_t)bytes.size);
  add(sha, bytes.data, bytes.size);
}

static void add_media(EVP_MD_CTX *sha, const schat_media *m) {
  const int64_t numbers[] = {m->type,     m->size, m->thumb_width, m->thumb_height, m->width, m->height,
                             m->duration, m->id,   m->access_hash, m->date,         m->dc_id, m->user_id};
  const schat_bytes bytes[] = {m->key,        m->iv,        m->thumb,    m->mime_type, m->file_name,   m->caption,
                               m->title,      m->performer, m->waveform, m->emoji,     m->sticker_set, m->phone_number,
                               m->first_name, m->last_name, m->address,  m->provider,  m->venue_id,    m->url};
  size_t i;
  for (i = 0; i < sizeof numbers / sizeof *numbers; i++) add_number(sha, numbers[i]);
  for (i = 0; i < sizeof bytes / sizeof *bytes; i++) add_bytes(sha, bytes[i]);
  add(sha, &m->latitude, sizeof m->latitude);
  add(sha, &m->longitude, sizeof m->longitude);
}

void content_digest(const schat_message *message, uint8_t digest[DIGEST_SIZE]) {
  EVP_MD_CTX *sha = EVP_MD_CTX_new();
  size_t i;
  if (sha == NULL || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1) fail("libcrypto failed");
  add_number(sha, message->random_id);
  add_number(sha, message->ttl);
  add_number(sha, message->flags & SCHAT_MESSAGE_SILENT);
  add_bytes(sha, message->text);
  for (i = 0; i < message->entity_count; i++) {
    const schat_entity *e = &message->entities[i];
    add_number(sha, e->type);
    add_number(sha, e->offset);
    add_number(sha, e->length);
    add_number(sha, e->id);
    add_bytes(sha, e->argument);
  }
  add_media(sha, &message->media);
  add_number(sha, message->reply_to_random_id);
  add_number(sha, message->grouped_id);
  add_bytes(sha, message->via_bot_name);
  if (EVP_DigestFinal_ex(sha, digest, NULL) != 1) fail("libcrypto failed");
  EVP_MD_CTX_free(sha);
}

/* Showing ------------------------------------------------------------------------------------------------------------------ */

typedef struct line {
  char *out;
  size_t capacity, size;
} line;

static void put(line *l, const char *text, size_t size) {
  if (l->size + size + 1 > l->capacity) return;
  memcpy(l->out + l->size, text, size);
  l->size += size;
  l->out[l->size] = '\0';
}

static const char *mark(int32_t type) {
  switch (type) {
    case SCHAT_ENTITY_BOLD:
      return "*";
    case SCHAT_ENTITY_ITALIC:
      return "_";
    case SCHAT_ENTITY_CODE:
    case SCHAT_ENTITY_PRE:
      return "`";
    case SCHAT_ENTITY_SPOILER:
      return "||";
    case SCHAT_ENTITY_STRIKE:
      return "~";
    default:
      return "";
  }
}

static void put_marks(line *l, const schat_message *message, int32_t at) {
  size_t i;
  for (i = 0; i < message->entity_count; i++) {
    const schat_entity *e = &message->entities[i];
    if (e->offset == at || e->offset + e->length == at) put(l, mark(e->type), strlen(mark(e->type)));
  }
}

/* Bytes of the character that begins with `first`, and the UTF-16 code units it takes: entities count in those. */
static size_t character(uint8_t first, int32_t *units) {
  *units = first >= 0xf0 ? 2 : 1;
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

void content_render(const schat_message *message, char *out, size_t capacity) {
  line l = {NULL, 0, 0};
  int32_t at = 0, units;
  size_t i, size;
  l.out = out;
  l.capacity = capacity;
  out[0] = '\0';
  for (i = 0; i < message->text.size; i += size, at += units) {
    size = character(message->text.data[i], &units);
    if (size > message->text.size - i) size = message->text.size - i; /* the peer's bytes need not be UTF-8 */
    put_marks(&l, message, at);
    put(&l, (const char *)message->text.data + i, size);
  }
  put_marks(&l, message, at);
}

/* Making ------------------------------------------------------------------------------------------------------------------- */

/* splitmix64: repeatable, quick, and no source of secrets. */
uint64_t random_next(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t bound) {
  return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

static schat_bytes bytes_of(const char *text) {
  schat_bytes bytes;
  bytes.data = (const uint8_t *)text;
  bytes.size = strlen(text);
  return bytes;
}

typedef struct word {
  const char *text;
  int32_t units;
} word;
static const word words[] = {{"the", 3},
                             {"secret", 6},
                             {"tea", 3},
                             {"Gr\303\274\303\237e", 5},
                             {"\346\227\245\346\234\254", 2},
                             {"tomorrow", 8},
                             {"station", 7},
                             {"quiet", 5},
                             {"\360\237\224\221", 2},
                             {"\320\264\320\260", 2},
                             {"harbour", 7},
                             {"nine", 4},
                             {"letter", 6},
                             {"orchard", 7},
                             {"yes", 3}};

static const int32_t entity_types[] = {SCHAT_ENTITY_BOLD,       SCHAT_ENTITY_ITALIC,      SCHAT_ENTITY_CODE,      SCHAT_ENTITY_PRE,
                                       SCHAT_ENTITY_TEXT_URL,   SCHAT_ENTITY_STRIKE,      SCHAT_ENTITY_UNDERLINE, SCHAT_ENTITY_SPOILER,
                                       SCHAT_ENTITY_BLOCKQUOTE, SCHAT_ENTITY_CUSTOM_EMOJI};

static void add_entity(content *c, uint64_t *state, int32_t offset, int32_t length) {
  schat_entity *e = &c->entities[c->message.entity_count++];
  e->type = entity_types[random_below(state, sizeof entity_types / sizeof *entity_types)];
  e->offset = offset;
  e->length = length;
  if (e->type == SCHAT_ENTITY_PRE) e->argument = bytes_of("c");
  if (e->type == SCHAT_ENTITY_TEXT_URL) e->argument = bytes_of("https://example.org/");
  if (e->type == SCHAT_ENTITY_CUSTOM_EMOJI) e->id = (int64_t)(random_next(state) >> 1);
}

static void make_text(content *c, uint64_t *state) {
  const uint32_t count = random_below(state, 20) == 0 ? 600 : 1 + random_below(state, 12);
  size_t size = 0;
  int32_t units = 0;
  uint32_t i;
  for (i = 0; i < count && size + 64 < sizeof c->text; i++) {
    const word *w = &words[random_below(state, sizeof words / sizeof *words)];
    const size_t length = strlen(w->text);
    if (i > 0) {
      c->text[size++] = ' ';
      units++;
    }
    memcpy(c->text + size, w->text, length);
    if (c->message.entity_count < 4 && random_below(state, 6) == 0) add_entity(c, state, units, w->units);
    size += length;
    units += w->units;
  }
  c->message.text.data = (const uint8_t *)c->text;
  c->message.text.size = size;
  c->message.entities = c->entities;
}

static void make_media(content *c, uint64_t *state) {
  schat_media *m = &c->message.media;
  switch (random_below(state, 4)) {
    case 0:
      m->type = SCHAT_MEDIA_LOCATION;
      m->latitude = (double)random_below(state, 180) - 90.0 + 0.125;
      m->longitude = (double)random_below(state, 360) - 180.0 + 0.25;
      break;
    case 1:
      m->type = SCHAT_MEDIA_VENUE;
      m->latitude = 53.5;
      m->longitude = 10.0;
      m->title = bytes_of("Orchard");
      m->address = bytes_of("Harbour 9");
      m->provider = bytes_of("foursquare");
      m->venue_id = bytes_of("4af1");
      break;
    case 2:
      m->type = SCHAT_MEDIA_CONTACT;
      m->phone_number = bytes_of("+49401234567");
      m->first_name = bytes_of("Carol");
      m->last_name = bytes_of("Gr\303\274n");
      m->user_id = 700 + (int64_t)random_below(state, 100);
      break;
    default:
      m->type = SCHAT_MEDIA_WEB_PAGE;
      m->url = bytes_of("https://example.org/tea");
      break;
  }
}

void content_make(content *c, uint64_t seed, int64_t reply_to) {
  uint64_t state = seed;
  memset(c, 0, sizeof *c);
  schat_message_init(&c->message);
  c->message.ttl = 0;
  make_text(c, &state);
  if (random_below(&state, 5) == 0) make_media(c, &state);
  if (random_below(&state, 4) == 0) c->message.reply_to_random_id = reply_to;
  if (random_below(&state, 10) == 0) c->message.flags = SCHAT_MESSAGE_SILENT;
  if (random_below(&state, 20) == 0) c->message.grouped_id = (int64_t)(random_next(&state) >> 1);
}
