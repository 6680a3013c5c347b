/* SPDX-License-Identifier: BSL-1.0
 * test_model.c - the public message model, service actions and the wrapper, to and from the wire at every layer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tl/model.h"

#ifndef SCHAT_VECTORS_DIR
#define SCHAT_VECTORS_DIR "vectors"
#endif

#define LIMIT ((size_t)1 << 22)
#define BYTES_MAX 8192u
#define BIG ((int64_t)1 << 31)

static const int32_t stated_layers[] = {73, 101, 144};
static schat__arena arena;
static json_t *root;

/* Bytes ---------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  uint8_t data[BYTES_MAX];
  size_t size;
} bytes;

static void put32(bytes *b, uint32_t v) {
  assert_true(b->size + 4 <= BYTES_MAX);
  for (int i = 0; i < 4; i++) b->data[b->size++] = (uint8_t)(v >> 8 * i);
}

static void put64(bytes *b, uint64_t v) {
  put32(b, (uint32_t)v);
  put32(b, (uint32_t)(v >> 32));
}

static void put_id(bytes *b, unsigned constructor) {
  put32(b, schat__tl_constructor_at(constructor)->id);
}

static void put_raw(bytes *b, const void *data, size_t size) {
  assert_true(b->size + size <= BYTES_MAX);
  memcpy(b->data + b->size, data, size);
  b->size += size;
}

static void put_text(bytes *b, const char *text) {
  const size_t size = strlen(text);
  assert_true(size < 254);
  b->data[b->size++] = (uint8_t)size;
  put_raw(b, text, size);
  while (b->size % 4 != 0) b->data[b->size++] = 0;
}

static unsigned nibble(char c) {
  return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_hex(bytes *b, const char *hex) {
  for (; *hex != 0; hex += 2) b->data[b->size++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
}

static schat_bytes text(const char *s) {
  const schat_bytes b = {(const uint8_t *)s, strlen(s)};
  return b;
}

static const uint8_t key_bytes[32] = {1, 2, 3};
static const uint8_t iv_bytes[32] = {4, 5, 6};

/* Comparing ------------------------------------------------------------------------------------------------------------------ */

static void same_bytes(schat_bytes a, schat_bytes b) {
  assert_int_equal(a.size, b.size);
  if (a.size > 0) assert_memory_equal(a.data, b.data, a.size);
}

static void same_file(const schat_media *a, const schat_media *b) {
  assert_int_equal(a->type, b->type);
  assert_true(a->size == b->size);
  same_bytes(a->key, b->key);
  same_bytes(a->iv, b->iv);
  same_bytes(a->thumb, b->thumb);
  assert_int_equal(a->thumb_width, b->thumb_width);
  assert_int_equal(a->thumb_height, b->thumb_height);
  same_bytes(a->mime_type, b->mime_type);
  same_bytes(a->file_name, b->file_name);
  same_bytes(a->caption, b->caption);
  assert_int_equal(a->width, b->width);
  assert_int_equal(a->height, b->height);
  assert_int_equal(a->duration, b->duration);
  same_bytes(a->title, b->title);
  same_bytes(a->performer, b->performer);
  same_bytes(a->waveform, b->waveform);
  same_bytes(a->emoji, b->emoji);
  same_bytes(a->sticker_set, b->sticker_set);
}

static void same_media(const schat_media *a, const schat_media *b) {
  same_file(a, b);
  assert_true(a->id == b->id && a->access_hash == b->access_hash);
  assert_true(a->date == b->date && a->dc_id == b->dc_id);
  same_bytes(a->thumb_type, b->thumb_type);
  assert_true(a->thumb_size == b->thumb_size && a->thumb_dc_id == b->thumb_dc_id && a->thumb_local_id == b->thumb_local_id);
  assert_true(a->thumb_volume_id == b->thumb_volume_id && a->thumb_secret == b->thumb_secret);
  same_bytes(a->phone_number, b->phone_number);
  same_bytes(a->first_name, b->first_name);
  same_bytes(a->last_name, b->last_name);
  assert_true(a->user_id == b->user_id);
  assert_memory_equal(&a->latitude, &b->latitude, sizeof a->latitude);
  assert_memory_equal(&a->longitude, &b->longitude, sizeof a->longitude);
  same_bytes(a->address, b->address);
  same_bytes(a->provider, b->provider);
  same_bytes(a->venue_id, b->venue_id);
  same_bytes(a->url, b->url);
}

static void same_message(const schat_message *a, const schat_message *b) {
  assert_true(a->random_id == b->random_id);
  assert_int_equal(a->ttl, b->ttl);
  assert_int_equal(a->flags, b->flags);
  same_bytes(a->text, b->text);
  assert_int_equal(a->entity_count, b->entity_count);
  for (size_t i = 0; i < a->entity_count; i++) {
    const schat_entity *x = &a->entities[i], *y = &b->entities[i];
    assert_int_equal(x->type, y->type);
    assert_true(x->offset == y->offset && x->length == y->length && x->id == y->id);
    same_bytes(x->argument, y->argument);
  }
  same_media(&a->media, &b->media);
  assert_true(a->reply_to_random_id == b->reply_to_random_id && a->grouped_id == b->grouped_id);
  same_bytes(a->via_bot_name, b->via_bot_name);
}

/* Both ways ------------------------------------------------------------------------------------------------------------------ */

static schat_message message_of(int32_t type) {
  schat_message m;
  SCHAT_INIT(m);
  m.random_id = 77;
  m.flags = SCHAT_MESSAGE_NO_WEBPAGE;
  m.media.type = type;
  return m;
}

static int encode(const schat_message *message, int32_t stated, bytes *b) {
  schat__arena_reset(&arena);
  b->size = 0;
  return schat__message_encode(&arena, message, stated, b->data, sizeof b->data, &b->size);
}

static schat_message decode(const bytes *b) {
  schat_message m;
  schat__action a;
  schat__arena_reset(&arena);
  assert_int_equal(schat__message_decode(&arena, (schat_bytes){b->data, b->size}, &m, &a), SCHAT_OK);
  assert_int_equal(a.type, SCHAT__ACTION_NONE);
  assert_int_equal(m.size, sizeof m);
  return m;
}

/* Encodes, looks whether a strict reader of that layer could read it, and decodes. */
static schat_message around(const schat_message *message, int32_t stated, bytes *b) {
  schat__tl_object *object;
  size_t used;
  assert_int_equal(encode(message, stated, b), SCHAT_OK);
  schat__arena_reset(&arena);
  assert_int_equal(schat__tl_decode(&arena, SCHAT__TYPE_DecryptedMessage, b->data, b->size, &object, &used), SCHAT_OK);
  assert_int_equal(used, b->size);
  assert_int_equal(schat__layer_allows(object, stated), 1);
  return decode(b);
}

static void goes_round(const schat_message *message) {
  for (size_t i = 0; i < 3; i++) {
    bytes b;
    const schat_message back = around(message, stated_layers[i], &b);
    same_message(&back, message);
  }
}

static void is_refused(const schat_message *message, int status) {
  for (size_t i = 0; i < 3; i++) {
    bytes b;
    assert_int_equal(encode(message, stated_layers[i], &b), status);
    assert_int_equal(b.size, 0);
  }
}

static schat_message file_of(int32_t type) {
  schat_message m = message_of(type);
  m.media.key = (schat_bytes){key_bytes, 32};
  m.media.iv = (schat_bytes){iv_bytes, 32};
  m.media.size = INT32_MAX;
  m.media.thumb = text("\xff\xd8jpeg");
  m.media.thumb_width = 90;
  m.media.thumb_height = 60;
  m.media.caption = text("a caption");
  return m;
}

/* D-04 (accept): text, reply, album, silence and time go round at every layer. */
static void a_text_goes_round(void **state) {
  (void)state;
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  goes_round(&m);
  m.random_id = INT64_MIN;
  m.ttl = 60;
  m.flags |= SCHAT_MESSAGE_SILENT;
  m.text = text("h\xc3\xa9llo");
  m.reply_to_random_id = -5;
  m.grouped_id = INT64_MAX;
  m.via_bot_name = text("gif");
  goes_round(&m);
}

/* D-33: no_webpage is set, whatever was asked. */
static void no_webpage_is_always_set(void **state) {
  (void)state;
  bytes b;
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  m.flags = 0;
  assert_int_equal(around(&m, 73, &b).flags, SCHAT_MESSAGE_NO_WEBPAGE);
  m.flags = SCHAT_MESSAGE_SILENT;
  assert_int_equal(around(&m, 144, &b).flags, SCHAT_MESSAGE_NO_WEBPAGE | SCHAT_MESSAGE_SILENT);
}

/* What a peer sets is what is read. */
static void both_flags_are_read(void **state) {
  (void)state;
  for (uint32_t flags = 0; flags < 4; flags++) {
    bytes b = {{0}, 0};
    put_id(&b, SCHAT__TL_decryptedMessage);
    put32(&b, ((flags & SCHAT_MESSAGE_SILENT) != 0 ? 1u << 5 : 0) | ((flags & SCHAT_MESSAGE_NO_WEBPAGE) != 0 ? 1u << 1 : 0));
    put64(&b, 1);
    put64(&b, 0);
    assert_int_equal(decode(&b).flags, flags);
  }
}

/* D-30, D-04: photo and video. */
static void photo_and_video_go_round(void **state) {
  (void)state;
  schat_message m = file_of(SCHAT_MEDIA_PHOTO);
  m.media.width = 1280;
  m.media.height = 720;
  goes_round(&m);
  m.media.type = SCHAT_MEDIA_VIDEO;
  m.media.duration = 12;
  m.media.mime_type = text("video/mp4");
  goes_round(&m);
}

static schat_message document_of(int32_t type) {
  schat_message m = file_of(type);
  m.media.mime_type = text("a/b");
  m.media.file_name = text("name.ext");
  return m;
}

/* D-30, D-04: a round video is a document with an attribute, with and without its optional parts. */
static void round_video_and_animation_go_round(void **state) {
  (void)state;
  schat_message m = document_of(SCHAT_MEDIA_ROUND_VIDEO);
  goes_round(&m);
  m.media.width = m.media.height = 240;
  m.media.duration = 60;
  goes_round(&m);
  m.media.type = SCHAT_MEDIA_ANIMATION;
  goes_round(&m);
  m.media.width = m.media.height = m.media.duration = 0;
  goes_round(&m);
}

/* D-30, D-04. */
static void voice_and_audio_go_round(void **state) {
  (void)state;
  schat_message m = document_of(SCHAT_MEDIA_VOICE);
  m.media.duration = 3;
  goes_round(&m);
  m.media.waveform = text("\x01\x02\x03");
  goes_round(&m);
  m.media.type = SCHAT_MEDIA_AUDIO;
  m.media.waveform.size = 0;
  m.media.title = text("title");
  goes_round(&m);
  m.media.performer = text("performer");
  m.media.file_name.size = 0;
  goes_round(&m);
}

/* A voice note without a type of its own is Ogg. */
static void a_voice_note_without_a_type_is_ogg(void **state) {
  (void)state;
  bytes b;
  schat_message m = file_of(SCHAT_MEDIA_VOICE);
  same_bytes(around(&m, 73, &b).media.mime_type, text("audio/ogg"));
  m.media.type = SCHAT_MEDIA_AUDIO;
  same_bytes(around(&m, 73, &b).media.mime_type, text(""));
}

/* D-30, D-04. */
static void document_and_sticker_go_round(void **state) {
  (void)state;
  schat_message m = document_of(SCHAT_MEDIA_DOCUMENT);
  goes_round(&m);
  m.media.width = 5;
  goes_round(&m);
  m.media.type = SCHAT_MEDIA_STICKER;
  goes_round(&m);
  m.media.emoji = text("\xf0\x9f\x98\x80");
  m.media.height = 512;
  goes_round(&m);
  m.media.sticker_set = text("AnimatedSet");
  goes_round(&m);
  m.media.duration = 3;
  goes_round(&m);
}

static schat_message external_document(void) {
  schat_message m = message_of(SCHAT_MEDIA_EXTERNAL_DOCUMENT);
  m.media.id = INT64_MIN;
  m.media.access_hash = 5;
  m.media.date = 1700000000;
  m.media.size = 1000;
  m.media.dc_id = 4;
  m.media.mime_type = text("image/webp");
  return m;
}

/* Every kind of thumbnail an external document can have. */
static void an_external_document_goes_round(void **state) {
  (void)state;
  schat_message m = external_document();
  goes_round(&m);
  m.media.thumb_type = text("m");
  goes_round(&m);
  m.media.thumb_width = 128;
  m.media.thumb_height = 127;
  goes_round(&m);
  m.media.thumb_size = 4000;
  m.media.thumb_local_id = -1;
  m.media.thumb_volume_id = INT64_MAX;
  m.media.thumb_secret = INT64_MIN;
  goes_round(&m);
  m.media.thumb_dc_id = 2;
  m.media.width = m.media.height = 512;
  goes_round(&m);
  m.media.thumb_size = 0;
  m.media.thumb = text("jpeg");
  m.media.emoji = text("\xf0\x9f\x98\x80");
  m.media.sticker_set = text("Set");
  m.media.file_name = text("sticker.webp");
  goes_round(&m);
  m.media.duration = 2;
  goes_round(&m);
}

/* One thing known of it is enough: a sticker by its set, a picture by one side, a video by its length, a thumbnail by any of its fields. */
static void a_single_field_of_a_medium_goes_round(void **state) {
  (void)state;
  schat_message m = external_document();
  m.media.sticker_set = text("Set");
  goes_round(&m);
  m = external_document();
  m.media.height = 9;
  goes_round(&m);
  m = file_of(SCHAT_MEDIA_ANIMATION);
  m.media.height = 9;
  goes_round(&m);
  m = file_of(SCHAT_MEDIA_ANIMATION);
  m.media.duration = 9;
  goes_round(&m);
  for (int field = 0; field < 7; field++) {
    m = external_document();
    m.media.thumb_type = text("m");
    m.media.thumb_size = field == 0;
    m.media.thumb_width = field == 1;
    m.media.thumb_height = field == 2;
    m.media.thumb_dc_id = field == 3;
    m.media.thumb_local_id = field == 4;
    m.media.thumb_volume_id = field == 5;
    m.media.thumb_secret = field == 6;
    goes_round(&m);
  }
}

static void more_entities_than_memory_holds_are_refused(void **state) {
  (void)state;
  const schat_entity one = {0};
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  m.text = text("t");
  m.entities = &one;
  m.entity_count = SIZE_MAX;
  is_refused(&m, SCHAT_E_TOO_LARGE);
}

/* What is not a file. */
static void contact_places_and_pages_go_round(void **state) {
  (void)state;
  schat_message m = message_of(SCHAT_MEDIA_CONTACT);
  m.media.phone_number = text("+49");
  m.media.first_name = text("A");
  m.media.last_name = text("B");
  m.media.user_id = INT32_MAX;
  goes_round(&m);
  schat_message place = message_of(SCHAT_MEDIA_LOCATION);
  place.media.latitude = -89.5;
  place.media.longitude = 1e-300;
  goes_round(&place);
  place.media.type = SCHAT_MEDIA_VENUE;
  place.media.title = text("t");
  place.media.address = text("a");
  place.media.provider = text("p");
  place.media.venue_id = text("v");
  goes_round(&place);
  schat_message page = message_of(SCHAT_MEDIA_WEB_PAGE);
  page.media.url = text("https://telegram.org");
  goes_round(&page);
}

/* A user the wire has no room for is nobody. */
static void a_long_user_id_is_left_out_of_a_contact(void **state) {
  (void)state;
  bytes b;
  schat_message m = message_of(SCHAT_MEDIA_CONTACT);
  m.media.user_id = BIG;
  assert_true(around(&m, 144, &b).media.user_id == 0);
  m.media.user_id = -BIG - 1;
  assert_true(around(&m, 144, &b).media.user_id == 0);
  m.media.user_id = -BIG;
  assert_true(around(&m, 144, &b).media.user_id == -BIG);
}

/* L3: the constructor of a document is that of the stated layer's table, and no other. */
static void the_form_of_a_document_follows_the_layer(void **state) {
  (void)state;
  const schat_message m = document_of(SCHAT_MEDIA_DOCUMENT);
  for (size_t i = 0; i < 3; i++) {
    bytes b, expected = {{0}, 0};
    assert_int_equal(encode(&m, stated_layers[i], &b), SCHAT_OK);
    put_id(&expected, stated_layers[i] == 144 ? SCHAT__TL_decryptedMessageMediaDocument : SCHAT__TL_decryptedMessageMediaDocument46);
    assert_memory_equal(b.data + 24, expected.data, 4);
  }
}

/* Refusals ------------------------------------------------------------------------------------------------------------------- */

/* D-30, F6 (accept and reject): 2^31 bytes go only into the documents of layer 144, and into no photo. */
static void a_big_file_needs_layer_144(void **state) {
  (void)state;
  static const int32_t kinds[] = {SCHAT_MEDIA_VIDEO,    SCHAT_MEDIA_ROUND_VIDEO, SCHAT_MEDIA_VOICE,    SCHAT_MEDIA_AUDIO,
                                  SCHAT_MEDIA_DOCUMENT, SCHAT_MEDIA_STICKER,     SCHAT_MEDIA_ANIMATION};
  bytes b;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    schat_message m = document_of(kinds[i]);
    m.media.size = BIG;
    assert_int_equal(encode(&m, 73, &b), SCHAT_E_UNSUPPORTED);
    assert_int_equal(encode(&m, 101, &b), SCHAT_E_UNSUPPORTED);
    m.media.size = INT64_MAX;
    const schat_message back = around(&m, 144, &b);
    same_message(&back, &m);
  }
  schat_message photo = file_of(SCHAT_MEDIA_PHOTO);
  photo.media.size = BIG;
  is_refused(&photo, SCHAT_E_UNSUPPORTED);
  schat_message external = external_document();
  external.media.size = BIG;
  is_refused(&external, SCHAT_E_UNSUPPORTED);
}

/* R-FILE-01 (reject): a file without its 32 bytes of key and iv is never sent, nor one of negative size. */
static void a_file_without_key_or_iv_is_refused(void **state) {
  (void)state;
  static const uint8_t long_key[33] = {0};
  for (int32_t type = SCHAT_MEDIA_PHOTO; type <= SCHAT_MEDIA_ANIMATION; type++) {
    for (size_t size = 0; size < 34; size++) {
      schat_message m = file_of(type);
      if (size == 32) continue;
      m.media.key = (schat_bytes){long_key, size};
      is_refused(&m, SCHAT_E_INVALID);
      m.media.key = m.media.iv;
      m.media.iv = (schat_bytes){long_key, size};
      is_refused(&m, SCHAT_E_INVALID);
    }
    schat_message m = file_of(type);
    m.media.size = -1;
    is_refused(&m, SCHAT_E_INVALID);
  }
}

/* D-26 (reject). */
static void a_random_id_of_zero_is_not_sent(void **state) {
  (void)state;
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  m.random_id = 0;
  is_refused(&m, SCHAT_E_INVALID);
}

/* D-04 (reject). */
static void no_other_layer_is_written(void **state) {
  (void)state;
  const schat_message m = message_of(SCHAT_MEDIA_NONE);
  static const int32_t layers[] = {-1, 0, 8, 46, 66, 72, 74, 100, 123, 143, 145, 151};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    bytes b;
    assert_int_equal(encode(&m, layers[i], &b), SCHAT_E_INVALID);
  }
}

/* Media that cannot be written. */
static void media_without_a_form_are_refused(void **state) {
  (void)state;
  schat_message m = message_of(SCHAT_MEDIA_UNSUPPORTED);
  is_refused(&m, SCHAT_E_UNSUPPORTED);
  m.media.type = SCHAT_MEDIA_UNSUPPORTED + 1;
  is_refused(&m, SCHAT_E_INVALID);
  m.media.type = -1;
  is_refused(&m, SCHAT_E_INVALID);
}

/* Strings of 2^24 bytes have no length on the wire; a length without bytes is a mistake of the caller. */
static void a_string_that_is_too_long_is_refused(void **state) {
  (void)state;
  uint8_t *much = calloc(1, (size_t)1 << 24);
  assert_non_null(much);
  const schat_bytes too_long = {much, (size_t)1 << 24};
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  m.text = too_long;
  is_refused(&m, SCHAT_E_TOO_LARGE);
  m.text = (schat_bytes){NULL, 1};
  is_refused(&m, SCHAT_E_INVALID);
  schat_entity e = {SCHAT_ENTITY_PRE, 0, 1, 0, too_long};
  m = message_of(SCHAT_MEDIA_NONE);
  m.entities = &e;
  m.entity_count = 1;
  is_refused(&m, SCHAT_E_TOO_LARGE);
  m = document_of(SCHAT_MEDIA_STICKER);
  m.media.sticker_set = too_long;
  is_refused(&m, SCHAT_E_TOO_LARGE);
  m = external_document();
  m.media.thumb_type = too_long;
  is_refused(&m, SCHAT_E_TOO_LARGE);
  m.media.thumb_type.size = 1;
  m.media.file_name = too_long;
  is_refused(&m, SCHAT_E_TOO_LARGE);
  free(much);
}

/* More than 2^31 - 1 bytes in all. */
static void a_message_of_two_gigabytes_is_refused(void **state) {
  (void)state;
  static schat_entity entities[129];
  uint8_t *much = calloc(1, 0xffffff);
  assert_non_null(much);
  for (size_t i = 0; i < 129; i++) entities[i] = (schat_entity){SCHAT_ENTITY_TEXT_URL, 0, 1, 0, {much, 0xffffff}};
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  size_t size = 0;
  m.entities = entities;
  m.entity_count = 2;
  schat__arena_reset(&arena);
  assert_int_equal(schat__message_encode(&arena, &m, 73, NULL, 0, &size), SCHAT_OK);
  m.entity_count = 129;
  assert_int_equal(schat__message_encode(&arena, &m, 73, NULL, 0, &size), SCHAT_E_TOO_LARGE);
  free(much);
}

/* Entities ------------------------------------------------------------------------------------------------------------------- */

static int32_t layer_of_entity(int32_t type) {
  if (type >= SCHAT_ENTITY_SPOILER) return 144;
  if (type >= SCHAT_ENTITY_UNDERLINE) return 101;
  return type >= SCHAT_ENTITY_MENTION_NAME ? INT32_MAX : 73;
}

static schat_entity entity_of(int32_t type) {
  schat_entity e = {type, type, 100 + type, 0, {NULL, 0}};
  if (type == SCHAT_ENTITY_CUSTOM_EMOJI) e.id = INT64_MIN;
  if (type == SCHAT_ENTITY_PRE || type == SCHAT_ENTITY_TEXT_URL) e.argument = text("argument");
  return e;
}

/* D-04 (accept and reject): each kind of entity by itself, at each layer: carried, or left out and nothing of it written. */
static void an_entity_is_carried_or_left_out_by_layer(void **state) {
  (void)state;
  for (int32_t type = 0; type <= SCHAT_ENTITY_CUSTOM_EMOJI; type++) {
    const schat_entity e = entity_of(type);
    schat_message m = message_of(SCHAT_MEDIA_NONE), plain = m;
    m.entities = &e;
    m.entity_count = 1;
    for (size_t i = 0; i < 3; i++) {
      bytes b, without;
      const schat_message back = around(&m, stated_layers[i], &b);
      const int is_carried = stated_layers[i] >= layer_of_entity(type);
      same_message(&back, is_carried ? &m : &plain);
      assert_int_equal(encode(&plain, stated_layers[i], &without), SCHAT_OK);
      assert_true(is_carried == (b.size > without.size));
    }
  }
}

/* Order and number of those that stay. */
static void the_entities_that_stay_keep_their_order(void **state) {
  (void)state;
  schat_entity all[SCHAT_ENTITY_CUSTOM_EMOJI + 1];
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  m.entities = all;
  for (int32_t type = 0; type <= SCHAT_ENTITY_CUSTOM_EMOJI; type++) all[m.entity_count++] = entity_of(type);
  for (size_t i = 0; i < 3; i++) {
    bytes b;
    const schat_message back = around(&m, stated_layers[i], &b);
    size_t n = 0;
    for (int32_t type = 0; type <= SCHAT_ENTITY_CUSTOM_EMOJI; type++) {
      if (stated_layers[i] >= layer_of_entity(type)) assert_int_equal(back.entities[n++].type, type);
    }
    assert_int_equal(back.entity_count, n);
  }
}

/* Reject: a place that is none. */
static void an_entity_without_a_place_is_refused(void **state) {
  (void)state;
  schat_entity e = entity_of(SCHAT_ENTITY_BOLD);
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  m.entities = &e;
  m.entity_count = 1;
  e.offset = -1;
  is_refused(&m, SCHAT_E_INVALID);
  e.offset = 0;
  e.length = INT32_MIN;
  is_refused(&m, SCHAT_E_INVALID);
  e.length = 1;
  e.type = SCHAT_ENTITY_CUSTOM_EMOJI + 1;
  is_refused(&m, SCHAT_E_INVALID);
  e.type = -1;
  is_refused(&m, SCHAT_E_INVALID);
  m.entities = NULL;
  is_refused(&m, SCHAT_E_INVALID);
}

/* D-05, F10 (accept): every form of entity a peer may send, the unofficial ones and the cloud's among them. */
static void every_entity_of_a_peer_is_read(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  put_id(&b, SCHAT__TL_decryptedMessage46);
  put32(&b, 1u << 7);
  put64(&b, 1);
  put64(&b, 0);
  put32(&b, 0x1cb5c415u);
  put32(&b, 7);
  static const unsigned plain[] = {SCHAT__TL_messageEntityPhone, SCHAT__TL_messageEntityCashtag, SCHAT__TL_messageEntityBankCard};
  for (size_t i = 0; i < 3; i++) {
    put_id(&b, plain[i]);
    put64(&b, 1);
  }
  put_id(&b, SCHAT__TL_messageEntityMentionName);
  put64(&b, 2);
  put32(&b, 10);
  put_id(&b, SCHAT__TL_messageEntityMentionName_dc7b1140);
  put64(&b, 3);
  put64(&b, (uint64_t)BIG);
  put_id(&b, SCHAT__TL_inputMessageEntityMentionName);
  put64(&b, 4);
  put_id(&b, SCHAT__TL_inputUser);
  put64(&b, 99);
  put64(&b, 98);
  put_id(&b, SCHAT__TL_messageEntityBlockquote_f1ccaaac);
  put32(&b, 1);
  put64(&b, 5);
  const schat_message m = decode(&b);
  static const int32_t types[] = {SCHAT_ENTITY_PHONE,        SCHAT_ENTITY_CASHTAG,      SCHAT_ENTITY_BANK_CARD, SCHAT_ENTITY_MENTION_NAME,
                                  SCHAT_ENTITY_MENTION_NAME, SCHAT_ENTITY_MENTION_NAME, SCHAT_ENTITY_BLOCKQUOTE};
  static const int64_t ids[] = {0, 0, 0, 10, BIG, 99, 0};
  assert_int_equal(m.entity_count, 7);
  for (size_t i = 0; i < 7; i++) {
    assert_int_equal(m.entities[i].type, types[i]);
    assert_true(m.entities[i].id == ids[i]);
  }
  assert_int_equal(m.entities[6].offset, 5);
}

/* Entities before the text or of negative length mark nothing. */
static void an_entity_without_a_place_is_left_out_on_reading(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  put_id(&b, SCHAT__TL_decryptedMessage);
  put32(&b, 1u << 7);
  put64(&b, 1);
  put64(&b, 0);
  put32(&b, 0x1cb5c415u);
  put32(&b, 3);
  for (uint32_t i = 0; i < 3; i++) {
    put_id(&b, SCHAT__TL_messageEntityTextUrl);
    put32(&b, i == 0 ? 0xffffffffu : 7);
    put32(&b, i == 1 ? 0xffffffffu : 0);
    put_text(&b, i == 2 ? "" : "u");
  }
  const schat_message m = decode(&b);
  assert_int_equal(m.entity_count, 1);
  assert_int_equal(m.entities[0].offset, 7);
  assert_int_equal(m.entities[0].argument.size, 0);
}

/* Old forms ------------------------------------------------------------------------------------------------------------------ */

static const char *name_of(const json_t *object) {
  return json_string_value(json_object_get(object, "_"));
}

static int32_t number(const json_t *object, const char *name) {
  return (int32_t)json_integer_value(json_object_get(object, name));
}

static void same_json(schat_bytes b, const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  const size_t size = value != NULL ? json_string_length(value) : 0;
  assert_int_equal(b.size, size);
  if (size > 0) assert_memory_equal(b.data, json_string_value(value), size);
}

static void same_json_hex(schat_bytes b, const json_t *object, const char *name, size_t only) {
  static bytes raw;
  const json_t *value = json_object_get(object, name);
  raw.size = 0;
  if (value != NULL) put_hex(&raw, json_string_value(value));
  if (only != 0 && raw.size != only) raw.size = 0;
  same_bytes(b, (schat_bytes){raw.data, raw.size});
}

static int32_t type_of_form(const char *name) {
  static const struct {
    const char *name;
    int32_t type;
  } rows[] = {
      {"decryptedMessageMediaEmpty", SCHAT_MEDIA_NONE},         {"decryptedMessageMediaPhoto8", SCHAT_MEDIA_PHOTO},
      {"decryptedMessageMediaPhoto", SCHAT_MEDIA_PHOTO},        {"decryptedMessageMediaVideo8", SCHAT_MEDIA_VIDEO},
      {"decryptedMessageMediaVideo23", SCHAT_MEDIA_VIDEO},      {"decryptedMessageMediaVideo", SCHAT_MEDIA_VIDEO},
      {"decryptedMessageMediaAudio8", SCHAT_MEDIA_VOICE},       {"decryptedMessageMediaAudio", SCHAT_MEDIA_VOICE},
      {"decryptedMessageMediaDocument8", SCHAT_MEDIA_DOCUMENT}, {"decryptedMessageMediaExternalDocument", SCHAT_MEDIA_EXTERNAL_DOCUMENT},
      {"decryptedMessageMediaContact", SCHAT_MEDIA_CONTACT},    {"decryptedMessageMediaGeoPoint", SCHAT_MEDIA_LOCATION},
      {"decryptedMessageMediaVenue", SCHAT_MEDIA_VENUE},        {"decryptedMessageMediaWebPage", SCHAT_MEDIA_WEB_PAGE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strcmp(rows[i].name, name) == 0) return rows[i].type;
  }
  return -1; /* a document: its attributes say */
}

static int64_t size_of(const json_t *media) {
  const json_t *size = json_object_get(media, "size");
  const int64_t n = json_is_string(size) ? strtoll(json_string_value(size), NULL, 10) : json_integer_value(size);
  return n > 0 ? n : 0;
}

/* The fields that a form carries by itself, without its attributes and without an external document's thumbnail. */
static void same_form(const schat_media *m, const json_t *media) {
  const int32_t type = type_of_form(name_of(media));
  if (type >= 0) assert_int_equal(m->type, type);
  if (type < 0) assert_true(m->type >= SCHAT_MEDIA_ROUND_VIDEO - 1 && m->type <= SCHAT_MEDIA_ANIMATION);
  assert_true(m->size == size_of(media));
  same_json_hex(m->key, media, "key", 32);
  same_json_hex(m->iv, media, "iv", 32);
  same_json(m->mime_type, media, "mime_type");
  same_json(m->caption, media, "caption");
  same_json(m->phone_number, media, "phone_number");
  same_json(m->first_name, media, "first_name");
  same_json(m->last_name, media, "last_name");
  same_json(m->address, media, "address");
  same_json(m->provider, media, "provider");
  same_json(m->venue_id, media, "venue_id");
  same_json(m->url, media, "url");
  assert_true(m->user_id == number(media, "user_id"));
  assert_true(m->latitude >= json_number_value(json_object_get(media, "lat")));
  assert_true(m->longitude <= json_number_value(json_object_get(media, "long")));
  if (type == SCHAT_MEDIA_EXTERNAL_DOCUMENT) return;
  same_json_hex(m->thumb, media, "thumb", 0);
  assert_int_equal(m->thumb_width, number(media, "thumb_w"));
  assert_int_equal(m->thumb_height, number(media, "thumb_h"));
  if (type < 0) return;
  same_json(m->file_name, media, "file_name");
  same_json(m->title, media, "title");
  assert_int_equal(m->width, number(media, "w"));
  assert_int_equal(m->height, number(media, "h"));
  assert_int_equal(m->duration, number(media, "duration"));
}

/* D-05 (accept): every medium of every layer, in a message of layer 17. */
static void every_old_medium_is_read(void **state) {
  (void)state;
  size_t seen = 0;
  for (size_t i = 0; i < json_array_size(root); i++) {
    const json_t *row = json_array_get(root, i);
    if (strcmp(json_string_value(json_object_get(row, "type")), "DecryptedMessageMedia") != 0) continue;
    bytes b = {{0}, 0};
    put_id(&b, SCHAT__TL_decryptedMessage23);
    put64(&b, 1);
    put32(&b, 5);
    put_text(&b, "text");
    put_hex(&b, json_string_value(json_object_get(row, "bytes")));
    const schat_message m = decode(&b);
    same_bytes(m.text, text("text"));
    assert_int_equal(m.ttl, 5);
    same_form(&m.media, json_object_get(row, "value"));
    seen++;
  }
  assert_int_equal(seen, 4 * 16);
}

static void same_old_message(const schat_message *m, const json_t *value) {
  const json_t *media = json_object_get(value, "media");
  assert_true(m->random_id == strtoll(json_string_value(json_object_get(value, "random_id")), NULL, 10));
  const int32_t ttl = number(value, "ttl");
  assert_int_equal(m->ttl, ttl > 0 ? ttl : 0);
  same_json(m->text, value, "message");
  same_json(m->via_bot_name, value, "via_bot_name");
  assert_int_equal((m->flags & SCHAT_MESSAGE_SILENT) != 0, json_is_true(json_object_get(value, "silent")));
  assert_int_equal((m->flags & SCHAT_MESSAGE_NO_WEBPAGE) != 0, json_is_true(json_object_get(value, "no_webpage")));
  const json_t *reply = json_object_get(value, "reply_to_random_id"), *group = json_object_get(value, "grouped_id");
  assert_true(m->reply_to_random_id == (reply != NULL ? strtoll(json_string_value(reply), NULL, 10) : 0));
  assert_true(m->grouped_id == (group != NULL ? strtoll(json_string_value(group), NULL, 10) : 0));
  if (media != NULL) {
    same_form(&m->media, media);
  } else {
    assert_int_equal(m->media.type, SCHAT_MEDIA_NONE);
  }
}

/* R-DEC-11, D-05, R15, R16 (accept): the messages of layers 8, 17, 45 and 73. */
static void every_old_message_is_read(void **state) {
  (void)state;
  size_t messages = 0, services = 0;
  for (size_t i = 0; i < json_array_size(root); i++) {
    const json_t *row = json_array_get(root, i), *value = json_object_get(row, "value");
    if (strcmp(json_string_value(json_object_get(row, "type")), "DecryptedMessage") != 0) continue;
    bytes b = {{0}, 0};
    put_hex(&b, json_string_value(json_object_get(row, "bytes")));
    schat_message m;
    schat__action a;
    schat__arena_reset(&arena);
    assert_int_equal(schat__message_decode(&arena, (schat_bytes){b.data, b.size}, &m, &a), SCHAT_OK);
    if (strncmp(name_of(value), "decryptedMessageService", 23) == 0) {
      assert_int_not_equal(a.type, SCHAT__ACTION_NONE);
      assert_true(a.random_id == strtoll(json_string_value(json_object_get(value, "random_id")), NULL, 10));
      services++;
    } else {
      assert_int_equal(a.type, SCHAT__ACTION_NONE);
      same_old_message(&m, value);
      messages++;
    }
  }
  assert_int_equal(messages, 16);
  assert_int_equal(services, 8);
}

/* Attributes ----------------------------------------------------------------------------------------------------------------- */

static void begin_document(bytes *b, uint32_t attributes) {
  b->size = 0;
  put_id(b, SCHAT__TL_decryptedMessage23);
  put64(b, 1);
  put64(b, 0);
  put_id(b, SCHAT__TL_decryptedMessageMediaDocument46);
  for (int i = 0; i < 7; i++) put32(b, 0);
  put32(b, 0x1cb5c415u);
  put32(b, attributes);
}

static schat_media end_document(bytes *b) {
  put32(b, 0);
  return decode(b).media;
}

/* One attribute whose whole body is zeros, but for its flags. */
static int32_t type_by(unsigned constructor, uint32_t flags, size_t zeros) {
  bytes b;
  begin_document(&b, 1);
  put_id(&b, constructor);
  if (schat__tl_constructor_at(constructor)->flag_bits != 0) put32(&b, flags);
  for (size_t i = 0; i < zeros; i++) put32(&b, 0);
  return end_document(&b).type;
}

/* D-05: the attributes decide what a document is. */
static void the_attributes_say_what_a_document_is(void **state) {
  (void)state;
  assert_int_equal(type_by(SCHAT__TL_documentAttributeImageSize, 0, 2), SCHAT_MEDIA_DOCUMENT);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeHasStickers, 0, 0), SCHAT_MEDIA_DOCUMENT);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeFilename, 0, 1), SCHAT_MEDIA_DOCUMENT);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeAnimated, 0, 0), SCHAT_MEDIA_ANIMATION);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeSticker23, 0, 0), SCHAT_MEDIA_STICKER);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeSticker_994c9882, 0, 1), SCHAT_MEDIA_STICKER);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeVideo23, 0, 3), SCHAT_MEDIA_VIDEO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeVideo, 0, 3), SCHAT_MEDIA_VIDEO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeVideo, 2, 3), SCHAT_MEDIA_VIDEO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeVideo, 1, 3), SCHAT_MEDIA_ROUND_VIDEO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeAudio23, 0, 1), SCHAT_MEDIA_AUDIO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeAudio45, 0, 3), SCHAT_MEDIA_AUDIO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeAudio, 0, 1), SCHAT_MEDIA_AUDIO);
  assert_int_equal(type_by(SCHAT__TL_documentAttributeAudio, 1u << 10, 1), SCHAT_MEDIA_VOICE);
}

/* D-03, F10 (accept): the video attributes of Android's cloud layers. */
static void cloud_videos_are_read(void **state) {
  (void)state;
  static const unsigned forms[] = {SCHAT__TL_documentAttributeVideo_d38ff1c2, SCHAT__TL_documentAttributeVideo_17399fad,
                                   SCHAT__TL_documentAttributeVideo_43c57c48};
  for (size_t i = 0; i < 3; i++) {
    for (uint32_t round = 0; round < 2; round++) {
      bytes b;
      begin_document(&b, 1);
      put_id(&b, forms[i]);
      put32(&b, 1u << 1 | 1u << 3 | round);
      put64(&b, 0x401e666666666666u); /* 7.6 */
      put32(&b, 640);
      put32(&b, 480);
      const schat_media m = end_document(&b);
      assert_int_equal(m.type, round != 0 ? SCHAT_MEDIA_ROUND_VIDEO : SCHAT_MEDIA_VIDEO);
      assert_int_equal(m.duration, 7);
      assert_int_equal(m.width, 640);
      assert_int_equal(m.height, 480);
    }
  }
}

static int32_t duration_of(uint64_t bits) {
  bytes b;
  begin_document(&b, 1);
  put_id(&b, SCHAT__TL_documentAttributeVideo_d38ff1c2);
  put32(&b, 0);
  put64(&b, bits);
  put64(&b, 0);
  return end_document(&b).duration;
}

/* A duration that is no number of seconds does no harm. */
static void a_duration_is_a_whole_number_of_seconds(void **state) {
  (void)state;
  assert_int_equal(duration_of(0x7ff8000000000000u), 0);         /* not a number */
  assert_int_equal(duration_of(0x7ff0000000000000u), INT32_MAX); /* infinity */
  assert_int_equal(duration_of(0xfff0000000000000u), 0);
  assert_int_equal(duration_of(0xbff0000000000000u), 0);         /* -1 */
  assert_int_equal(duration_of(0x41dfffffffc00000u), INT32_MAX); /* 2^31 - 1 */
  assert_int_equal(duration_of(0x41dfffffff800000u), INT32_MAX - 1);
  assert_int_equal(duration_of(0x3feccccccccccccdu), 0); /* 0.9 */
}

/* D-03, F10 (accept): a sticker with the cloud's set and mask; its ids do not touch those of the document. */
static void cloud_stickers_are_read(void **state) {
  (void)state;
  bytes b;
  begin_document(&b, 3);
  put_id(&b, SCHAT__TL_documentAttributeSticker_6319d612);
  put32(&b, 3);
  put_text(&b, "x");
  put_id(&b, SCHAT__TL_inputStickerSetID);
  put64(&b, 11);
  put64(&b, 12);
  put_id(&b, SCHAT__TL_maskCoords);
  for (int i = 0; i < 7; i++) put32(&b, 1);
  put_id(&b, SCHAT__TL_documentAttributeHasStickers);
  put_id(&b, SCHAT__TL_documentAttributeImageSize);
  put32(&b, 512);
  put32(&b, 256);
  const schat_media m = end_document(&b);
  assert_int_equal(m.type, SCHAT_MEDIA_STICKER);
  same_bytes(m.emoji, text("x"));
  assert_int_equal(m.sticker_set.size, 0);
  assert_int_equal(m.width, 512);
  assert_int_equal(m.height, 256);
  assert_true(m.id == 0 && m.access_hash == 0);
}

/* F10 (accept). */
static void a_custom_emoji_is_a_sticker(void **state) {
  (void)state;
  bytes b;
  begin_document(&b, 1);
  put_id(&b, SCHAT__TL_documentAttributeCustomEmoji);
  put32(&b, 3);
  put_text(&b, "e");
  put_id(&b, SCHAT__TL_inputStickerSetShortName);
  put_text(&b, "set");
  const schat_media m = end_document(&b);
  assert_int_equal(m.type, SCHAT_MEDIA_STICKER);
  same_bytes(m.emoji, text("e"));
  same_bytes(m.sticker_set, text("set"));
}

static void begin_external(bytes *b) {
  b->size = 0;
  put_id(b, SCHAT__TL_decryptedMessage23);
  put64(b, 1);
  put64(b, 0);
  put_id(b, SCHAT__TL_decryptedMessageMediaExternalDocument);
  put64(b, 1);
  put64(b, 2);
  put32(b, 3);
  put_text(b, "m");
  put32(b, 4);
}

static schat_media end_external(bytes *b) {
  put32(b, 5);
  put32(b, 0x1cb5c415u);
  put32(b, 0);
  const schat_media m = decode(b).media;
  assert_int_equal(m.type, SCHAT_MEDIA_EXTERNAL_DOCUMENT);
  assert_true(m.id == 1 && m.access_hash == 2 && m.date == 3 && m.size == 4 && m.dc_id == 5);
  assert_true(m.width == 0 && m.height == 0);
  return m;
}

/* F10 (accept): thumbnails in the cloud's forms; outlines and stripped pictures are no thumbnails. */
static void cloud_thumbnails_are_read(void **state) {
  (void)state;
  static const unsigned without_location[] = {SCHAT__TL_photoStrippedSize, SCHAT__TL_photoPathSize};
  bytes b;
  for (size_t i = 0; i < 2; i++) {
    begin_external(&b);
    put_id(&b, without_location[i]);
    put_text(&b, "j");
    put_text(&b, "bytes");
    const schat_media m = end_external(&b);
    same_bytes(m.thumb_type, text("j"));
    assert_int_equal(m.thumb.size, 0);
  }
  begin_external(&b);
  put_id(&b, SCHAT__TL_photoSize_75c78e60);
  put_text(&b, "s");
  for (uint32_t i = 6; i < 9; i++) put32(&b, i);
  const schat_media sized = end_external(&b);
  assert_true(sized.thumb_width == 6 && sized.thumb_height == 7 && sized.thumb_size == 8);
  begin_external(&b);
  put_id(&b, SCHAT__TL_photoCachedSize_021e1ad6);
  put_text(&b, "s");
  put32(&b, 6);
  put32(&b, 7);
  put_text(&b, "jpeg");
  same_bytes(end_external(&b).thumb, text("jpeg"));
}

/* F10 (accept): progressive pictures, old and new; the last size is the whole file's. */
static void progressive_thumbnails_are_read(void **state) {
  (void)state;
  for (uint32_t count = 0; count < 4; count++) {
    bytes b;
    begin_external(&b);
    put_id(&b, count == 2 ? SCHAT__TL_photoSizeProgressive_5aa86a51 : SCHAT__TL_photoSizeProgressive);
    put_text(&b, "y");
    if (count == 2) {
      put_id(&b, SCHAT__TL_fileLocation_091d11eb);
      put32(&b, 4);
      put64(&b, 5);
      put32(&b, 6);
      put64(&b, 7);
      put_text(&b, "reference");
    }
    put64(&b, 9);
    put32(&b, 0x1cb5c415u);
    put32(&b, count);
    for (uint32_t i = 0; i < count; i++) put32(&b, i == 2 ? 0xffffffffu : 1000 + i);
    const schat_media m = end_external(&b);
    static const int32_t last[] = {0, 1000, 1001, 0};
    assert_int_equal(m.thumb_size, last[count]);
    assert_true(m.thumb_dc_id == (count == 2 ? 4 : 0) && m.thumb_volume_id == (count == 2 ? 5 : 0));
    assert_true(m.thumb_local_id == (count == 2 ? 6 : 0) && m.thumb_secret == (count == 2 ? 7 : 0));
  }
}

/* Refused bytes -------------------------------------------------------------------------------------------------------------- */

static int decode_status(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  schat_message m;
  schat__action a;
  assert_non_null(copy);
  memcpy(copy, data, size);
  memset(&m, 0x5a, sizeof m);
  memset(&a, 0x5a, sizeof a);
  schat__arena_reset(&arena);
  const int status = schat__message_decode(&arena, (schat_bytes){copy, size}, &m, &a);
  if (status != SCHAT_OK) {
    const uint8_t *p = (const uint8_t *)&m;
    for (size_t i = 0; i < sizeof m; i++) assert_int_equal(p[i], 0x5a);
    assert_int_equal(((const uint8_t *)&a)[0], 0x5a);
  }
  free(copy);
  return status;
}

/* X-03 (reject): nothing may follow, nothing may be missing, and nothing is written then. */
static void a_message_ends_where_its_bytes_end(void **state) {
  (void)state;
  bytes b;
  schat_message m = document_of(SCHAT_MEDIA_STICKER);
  assert_int_equal(encode(&m, 144, &b), SCHAT_OK);
  assert_int_equal(decode_status(b.data, b.size), SCHAT_OK);
  for (size_t size = 0; size < b.size; size++) assert_int_equal(decode_status(b.data, size), SCHAT_E_MALFORMED);
  put32(&b, 0);
  assert_int_equal(decode_status(b.data, b.size), SCHAT_E_MALFORMED);
}

/* D-26, M9: what a peer sends is reported, and the chat decides. */
static void a_random_id_of_zero_is_passed_on_when_read(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  put_id(&b, SCHAT__TL_decryptedMessage23);
  put64(&b, 0);
  put32(&b, 0x80000000u);
  put32(&b, 0);
  put_id(&b, SCHAT__TL_decryptedMessageMediaEmpty);
  const schat_message m = decode(&b);
  assert_true(m.random_id == 0);
  assert_int_equal(m.ttl, 0); /* R-TTL-07: negative is none */
}

/* Actions -------------------------------------------------------------------------------------------------------------------- */

static void same_action(const schat__action *a, const schat__action *b) {
  assert_int_equal(a->type, b->type);
  assert_true(a->random_id == b->random_id);
  assert_int_equal(a->ttl, b->ttl);
  assert_int_equal(a->layer, b->layer);
  assert_true(a->start == b->start && a->end == b->end);
  assert_int_equal(a->typing, b->typing);
  assert_true(a->exchange_id == b->exchange_id && a->key_fingerprint == b->key_fingerprint);
  same_bytes(a->g, b->g);
  assert_int_equal(a->random_id_count, b->random_id_count);
  if (a->random_id_count > 0) assert_memory_equal(a->random_ids, b->random_ids, a->random_id_count * sizeof(int64_t));
}

static void action_goes_round(const schat__action *action) {
  bytes b = {{0}, 0};
  schat_message m;
  schat__action back;
  schat__arena_reset(&arena);
  assert_int_equal(schat__action_encode(&arena, action, b.data, sizeof b.data, &b.size), SCHAT_OK);
  schat__tl_object *object;
  size_t used;
  assert_int_equal(schat__tl_decode(&arena, SCHAT__TYPE_DecryptedMessage, b.data, b.size, &object, &used), SCHAT_OK);
  assert_int_equal(schat__tl_index(object), SCHAT__TL_decryptedMessageService);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(schat__layer_allows(object, stated_layers[i]), action->type != SCHAT__ACTION_TYPING);
  }
  assert_int_equal(schat__message_decode(&arena, (schat_bytes){b.data, b.size}, &m, &back), SCHAT_OK);
  assert_int_equal(m.size, sizeof m);
  assert_int_equal(m.media.type, SCHAT_MEDIA_NONE);
  same_action(&back, action);
}

static schat__action action_of(schat__action_type type) {
  schat__action a;
  memset(&a, 0, sizeof a);
  a.type = type;
  a.random_id = -9;
  return a;
}

/* R-TTL-01, R-TTL-06, R-SEQ-22, R-PFS-08, R-PFS-12 (accept): every action. */
static void every_action_goes_round(void **state) {
  (void)state;
  static const int64_t ids[] = {1, INT64_MIN, 0};
  for (int type = SCHAT__ACTION_SET_TTL; type <= SCHAT__ACTION_NOOP; type++) {
    schat__action a = action_of((schat__action_type)type);
    if (type == SCHAT__ACTION_SET_TTL) a.ttl = INT32_MAX;
    if (type == SCHAT__ACTION_NOTIFY_LAYER) a.layer = 144;
    if (type == SCHAT__ACTION_RESEND) a.start = -3;
    if (type == SCHAT__ACTION_RESEND) a.end = INT32_MAX;
    if (type >= SCHAT__ACTION_REQUEST_KEY && type <= SCHAT__ACTION_COMMIT_KEY) a.exchange_id = INT64_MIN;
    if (type == SCHAT__ACTION_ACCEPT_KEY || type == SCHAT__ACTION_COMMIT_KEY) a.key_fingerprint = -2;
    if (type == SCHAT__ACTION_REQUEST_KEY || type == SCHAT__ACTION_ACCEPT_KEY) a.g = text("a value of g");
    action_goes_round(&a);
    if (type == SCHAT__ACTION_READ || type == SCHAT__ACTION_DELETE || type == SCHAT__ACTION_SCREENSHOT) a.random_ids = ids;
    if (type == SCHAT__ACTION_READ || type == SCHAT__ACTION_DELETE || type == SCHAT__ACTION_SCREENSHOT) a.random_id_count = 3;
    if (type == SCHAT__ACTION_TYPING) a.typing = 1;
    action_goes_round(&a);
  }
}

/* Reject: no action, no id, no list. */
static void an_action_that_lacks_something_is_refused(void **state) {
  (void)state;
  uint8_t out[512];
  size_t size = 0;
  schat__action a = action_of(SCHAT__ACTION_NONE);
  schat__arena_reset(&arena);
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_INVALID);
  a.type = (schat__action_type)(SCHAT__ACTION_NOOP + 1);
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_INVALID);
  a = action_of(SCHAT__ACTION_NOOP);
  a.random_id = 0;
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_INVALID);
  a = action_of(SCHAT__ACTION_DELETE);
  a.random_id_count = 1;
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_INVALID);
  a.random_ids = &a.random_id;
  a.random_id_count = SIZE_MAX / 8;
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_TOO_LARGE);
  a.random_id_count = LIMIT;
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_NOMEM);
  a = action_of(SCHAT__ACTION_REQUEST_KEY);
  a.g.size = 256;
  assert_int_equal(schat__action_encode(&arena, &a, out, sizeof out, &size), SCHAT_E_INVALID);
  assert_int_equal(size, 0);
}

static schat__action service8(unsigned constructor, uint32_t argument, int has_argument) {
  bytes b = {{0}, 0};
  schat_message m;
  schat__action a;
  put_id(&b, SCHAT__TL_decryptedMessageService8);
  put64(&b, 42);
  put_text(&b, "fifteen bytes..");
  put_id(&b, constructor);
  if (has_argument) put32(&b, argument);
  schat__arena_reset(&arena);
  assert_int_equal(schat__message_decode(&arena, (schat_bytes){b.data, b.size}, &m, &a), SCHAT_OK);
  assert_true(a.random_id == 42);
  return a;
}

/* R-DEC-11, D-05 (accept): a NotifyLayer in the form of layer 8; R-TTL-07: a negative timer is none. */
static void a_service_message_of_layer_8_is_read(void **state) {
  (void)state;
  const schat__action notify = service8(SCHAT__TL_decryptedMessageActionNotifyLayer, 73, 1);
  assert_int_equal(notify.type, SCHAT__ACTION_NOTIFY_LAYER);
  assert_int_equal(notify.layer, 73);
  assert_int_equal(service8(SCHAT__TL_decryptedMessageActionFlushHistory, 0, 0).type, SCHAT__ACTION_FLUSH);
  assert_int_equal(service8(SCHAT__TL_decryptedMessageActionSetMessageTTL, 60, 1).ttl, 60);
  assert_int_equal(service8(SCHAT__TL_decryptedMessageActionSetMessageTTL, 0xffffffffu, 1).ttl, 0);
}

/* D-27 (accept): all twelve ways to be typing, and the one to stop. */
static void every_way_of_typing_is_typing(void **state) {
  (void)state;
  size_t ways = 0;
  for (unsigned c = 0; c < SCHAT__TL_COUNT; c++) {
    const schat__tl_constructor *row = schat__tl_constructor_at(c);
    if (row->type != SCHAT__TYPE_SendMessageAction) continue;
    const schat__action a = service8(SCHAT__TL_decryptedMessageActionTyping, row->id, 1);
    assert_int_equal(a.type, SCHAT__ACTION_TYPING);
    assert_int_equal(a.typing, c != SCHAT__TL_sendMessageCancelAction);
    ways++;
  }
  assert_int_equal(ways, 12);
}

/* The wrapper ---------------------------------------------------------------------------------------------------------------- */

/* R-ENC-01, R-ENC-02 (accept): random bytes of every size that matters, and a message that is not looked at. */
static void a_wrapper_goes_round(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 14, 15, 16, 31, 253, 254, 255, 1000};
  static const uint8_t noise[1000] = {7};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const schat__wrapper w = {{noise, sizes[i]}, 144, -2, INT32_MAX, {NULL, 0}};
    schat__wrapper back;
    size_t at = 0, measured_at = 0;
    const size_t size = schat__wrapper_encode(&w, 5, NULL, &measured_at);
    uint8_t *out = malloc(size);
    assert_non_null(out);
    memset(out, 0xee, size);
    assert_int_equal(schat__wrapper_encode(&w, 5, out, &at), size);
    assert_int_equal(at, measured_at);
    assert_int_equal(at + 5, size);
    assert_int_equal(schat__wrapper_decode(out, size, &back), SCHAT_OK);
    same_bytes(back.random_bytes, w.random_bytes);
    assert_true(back.layer == 144 && back.in_seq_no == -2 && back.out_seq_no == INT32_MAX);
    assert_ptr_equal(back.message.data, out + at);
    assert_int_equal(back.message.size, 5);
    assert_int_equal(out[at], 0xee);
    free(out);
  }
}

/* D-03 (accept): the known wrappers, whose messages start where the object inside does. */
static void known_wrappers_are_read(void **state) {
  (void)state;
  size_t seen = 0;
  for (size_t i = 0; i < json_array_size(root); i++) {
    const json_t *row = json_array_get(root, i), *value = json_object_get(row, "value");
    if (strcmp(name_of(value), "decryptedMessageLayer") != 0) continue;
    bytes b = {{0}, 0};
    schat__wrapper w;
    size_t used = 0;
    put_hex(&b, json_string_value(json_object_get(row, "bytes")));
    assert_int_equal(schat__wrapper_decode(b.data, b.size, &w), SCHAT_OK);
    assert_int_equal(w.layer, number(value, "layer"));
    assert_int_equal(w.in_seq_no, number(value, "in_seq_no"));
    assert_int_equal(w.out_seq_no, number(value, "out_seq_no"));
    same_json_hex(w.random_bytes, value, "random_bytes", 0);
    assert_int_equal(schat__tl_skip(SCHAT__TYPE_DecryptedMessage, w.message.data, w.message.size, &used), SCHAT_OK);
    assert_int_equal(used, w.message.size);
    seen++;
  }
  assert_int_equal(seen, 4);
}

/* R-DEC-06, X-03 (reject): a head that is cut, of another object, or not canonical. */
static void a_wrapper_that_is_not_one_is_refused(void **state) {
  (void)state;
  static const uint8_t noise[31] = {7};
  const schat__wrapper w = {{noise, 31}, 73, 0, 1, {NULL, 0}};
  schat__wrapper back;
  uint8_t out[64];
  size_t at;
  const size_t size = schat__wrapper_encode(&w, 0, out, &at);
  assert_int_equal(size, at);
  for (size_t n = 0; n < size; n++) {
    uint8_t *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, out, n);
    assert_int_equal(schat__wrapper_decode(copy, n, &back), SCHAT_E_MALFORMED);
    free(copy);
  }
  out[0] ^= 1;
  assert_int_equal(schat__wrapper_decode(out, size, &back), SCHAT_E_MALFORMED);
  out[0] ^= 1;
  out[4] = 30; /* one byte of padding, 7 is at its other end */
  out[35] = 7;
  assert_int_equal(schat__wrapper_decode(out, size, &back), SCHAT_E_MALFORMED);
  out[35] = 0;
  assert_int_equal(schat__wrapper_decode(out, size, &back), SCHAT_OK);
}

/* Buffers and memory --------------------------------------------------------------------------------------------------------- */

/* Measuring gives the size that writing needs; less room is E_BUFFER with that size, and nothing beyond is touched. */
static void a_message_is_measured_before_it_is_written(void **state) {
  (void)state;
  bytes b;
  const schat_message m = document_of(SCHAT_MEDIA_STICKER);
  size_t size = 0;
  assert_int_equal(encode(&m, 144, &b), SCHAT_OK);
  assert_int_equal(schat__message_encode(&arena, &m, 144, NULL, 0, &size), SCHAT_OK);
  assert_int_equal(size, b.size);
  for (size_t capacity = 0; capacity < b.size; capacity += 7) {
    uint8_t *out = malloc(capacity + 1);
    assert_non_null(out);
    out[capacity] = 0xc3;
    size = 0;
    schat__arena_reset(&arena);
    assert_int_equal(schat__message_encode(&arena, &m, 144, out, capacity, &size), SCHAT_E_BUFFER);
    assert_int_equal(size, b.size);
    assert_int_equal(out[capacity], 0xc3);
    free(out);
  }
}

/* the arena's limit is raised byte by byte until it is enough; every step before is E_NOMEM. */
static void encoding_without_memory_is_a_status(void **state) {
  (void)state;
  schat_entity e = entity_of(SCHAT_ENTITY_BOLD);
  schat_message sticker = document_of(SCHAT_MEDIA_STICKER), external = external_document();
  schat_message *messages[] = {&sticker, &external};
  sticker.entities = external.entities = &e;
  sticker.entity_count = external.entity_count = 1;
  sticker.media.sticker_set = text("set");
  external.media.thumb_size = 5;
  for (size_t i = 0; i < 2; i++) {
    size_t limit = 0;
    int status = SCHAT_E_NOMEM;
    while (status != SCHAT_OK) {
      schat__arena small;
      uint8_t out[1024];
      size_t size = 0;
      assert_true(limit < 65536);
      schat__arena_init(&small, NULL, limit);
      limit += 16;
      status = schat__message_encode(&small, messages[i], 144, out, sizeof out, &size);
      assert_true(status == SCHAT_OK ? size > 0 : status == SCHAT_E_NOMEM && size == 0);
      schat__arena_free(&small);
    }
    assert_true(limit > 256);
  }
}

static void decodes_or_lacks_memory(const bytes *b) {
  size_t limit = 0;
  int status = SCHAT_E_NOMEM;
  while (status != SCHAT_OK) {
    schat__arena small;
    schat_message m;
    schat__action a;
    assert_true(limit < 65536);
    schat__arena_init(&small, NULL, limit);
    limit += 16;
    status = schat__message_decode(&small, (schat_bytes){b->data, b->size}, &m, &a);
    assert_true(status == SCHAT_OK || status == SCHAT_E_NOMEM);
    schat__arena_free(&small);
  }
  assert_true(limit > 64);
}

/* the same for reading, entities and lists of ids included. */
static void decoding_without_memory_is_a_status(void **state) {
  (void)state;
  static const int64_t ids[] = {1, 2, 3};
  schat_entity e = entity_of(SCHAT_ENTITY_BOLD);
  schat_message m = document_of(SCHAT_MEDIA_STICKER);
  schat__action a = action_of(SCHAT__ACTION_DELETE);
  bytes b;
  m.entities = &e;
  m.entity_count = 1;
  assert_int_equal(encode(&m, 144, &b), SCHAT_OK);
  decodes_or_lacks_memory(&b);
  a.random_ids = ids;
  a.random_id_count = 3;
  assert_int_equal(schat__action_encode(&arena, &a, b.data, sizeof b.data, &b.size), SCHAT_OK);
  decodes_or_lacks_memory(&b);
  for (int type = SCHAT__ACTION_TYPING; type <= SCHAT__ACTION_NOOP; type++) {
    schat__arena none;
    size_t size = 0;
    schat__arena_init(&none, NULL, type == SCHAT__ACTION_TYPING ? 48 + 32 : 16);
    a = action_of((schat__action_type)type);
    assert_int_equal(schat__action_encode(&none, &a, NULL, 0, &size), SCHAT_E_NOMEM);
    schat__arena_free(&none);
  }
}

/* what a message takes of the arena is bounded by its bytes. */
static void decoding_takes_a_bounded_multiple_of_the_bytes(void **state) {
  (void)state;
  schat_entity entities[300];
  schat_message m = message_of(SCHAT_MEDIA_NONE);
  bytes b;
  for (size_t i = 0; i < 300; i++) entities[i] = entity_of(SCHAT_ENTITY_BOLD);
  m.entities = entities;
  m.entity_count = 300;
  assert_int_equal(encode(&m, 73, &b), SCHAT_OK);
  (void)decode(&b);
  assert_true(arena.taken <= 12 * b.size);
}

/* Clocks --------------------------------------------------------------------------------------------------------------------- */

static int32_t ttl_of(int32_t type, int32_t ttl, int32_t duration) {
  schat_message m = message_of(type);
  m.ttl = ttl;
  m.media.duration = duration;
  return schat__message_ttl(&m);
}

/* R-TTL-07, D-28: played to its end before it goes; nothing overflows. */
static void a_ttl_is_never_shorter_than_what_plays(void **state) {
  (void)state;
  static const int32_t playable[] = {SCHAT_MEDIA_VIDEO, SCHAT_MEDIA_ROUND_VIDEO, SCHAT_MEDIA_VOICE, SCHAT_MEDIA_AUDIO,
                                     SCHAT_MEDIA_ANIMATION};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(ttl_of(playable[i], 10, 9), 10);
    assert_int_equal(ttl_of(playable[i], 10, 10), 11);
    assert_int_equal(ttl_of(playable[i], 1, 100), 101);
    assert_int_equal(ttl_of(playable[i], 1, -5), 1);
    assert_int_equal(ttl_of(playable[i], 0, 100), 0);
    assert_int_equal(ttl_of(playable[i], -1, 100), 0);
    assert_int_equal(ttl_of(playable[i], 1, INT32_MAX), SCHAT_TTL_AT_ONCE - 1);
    assert_int_equal(ttl_of(playable[i], 1, INT32_MAX - 1), SCHAT_TTL_AT_ONCE - 1);
    assert_int_equal(ttl_of(playable[i], 1, INT32_MAX - 2), SCHAT_TTL_AT_ONCE - 1);
    assert_int_equal(ttl_of(playable[i], SCHAT_TTL_AT_ONCE, INT32_MAX), SCHAT_TTL_AT_ONCE);
    assert_int_equal(ttl_of(playable[i], SCHAT_TTL_AT_ONCE, 1), SCHAT_TTL_AT_ONCE);
  }
  assert_int_equal(ttl_of(SCHAT_MEDIA_PHOTO, 10, 100), 10);
  assert_int_equal(ttl_of(SCHAT_MEDIA_NONE, INT32_MIN, 0), 0);
}

static int opens(int32_t type, int32_t ttl) {
  schat_message m = message_of(type);
  m.ttl = ttl;
  return schat__message_starts_on_open(&m);
}

/* R-TTL-07, D-28 (accept and reject): 0, 1, 60, 61 seconds, at once, for every kind. */
static void the_clock_of_short_lived_media_starts_on_opening(void **state) {
  (void)state;
  for (int32_t type = SCHAT_MEDIA_NONE; type <= SCHAT_MEDIA_UNSUPPORTED; type++) {
    const int is_kind =
        type == SCHAT_MEDIA_PHOTO || type == SCHAT_MEDIA_VIDEO || type == SCHAT_MEDIA_ROUND_VIDEO || type == SCHAT_MEDIA_VOICE;
    assert_int_equal(opens(type, 1), is_kind);
    assert_int_equal(opens(type, 60), is_kind);
    assert_int_equal(opens(type, 0), 0);
    assert_int_equal(opens(type, -1), 0);
    assert_int_equal(opens(type, 61), 0);
    assert_int_equal(opens(type, SCHAT_TTL_AT_ONCE - 1), 0);
    assert_int_equal(opens(type, SCHAT_TTL_AT_ONCE), 1);
  }
}

static int open_vectors(void **state) {
  (void)state;
  root = json_load_file(SCHAT_VECTORS_DIR "/tl.json", 0, NULL);
  schat__arena_init(&arena, NULL, LIMIT);
  return root == NULL;
}

static int close_vectors(void **state) {
  (void)state;
  json_decref(root);
  schat__arena_free(&arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_goes_round),
      cmocka_unit_test(no_webpage_is_always_set),
      cmocka_unit_test(both_flags_are_read),
      cmocka_unit_test(photo_and_video_go_round),
      cmocka_unit_test(round_video_and_animation_go_round),
      cmocka_unit_test(voice_and_audio_go_round),
      cmocka_unit_test(a_voice_note_without_a_type_is_ogg),
      cmocka_unit_test(document_and_sticker_go_round),
      cmocka_unit_test(an_external_document_goes_round),
      cmocka_unit_test(a_single_field_of_a_medium_goes_round),
      cmocka_unit_test(more_entities_than_memory_holds_are_refused),
      cmocka_unit_test(contact_places_and_pages_go_round),
      cmocka_unit_test(a_long_user_id_is_left_out_of_a_contact),
      cmocka_unit_test(the_form_of_a_document_follows_the_layer),
      cmocka_unit_test(a_big_file_needs_layer_144),
      cmocka_unit_test(a_file_without_key_or_iv_is_refused),
      cmocka_unit_test(a_random_id_of_zero_is_not_sent),
      cmocka_unit_test(no_other_layer_is_written),
      cmocka_unit_test(media_without_a_form_are_refused),
      cmocka_unit_test(a_string_that_is_too_long_is_refused),
      cmocka_unit_test(a_message_of_two_gigabytes_is_refused),
      cmocka_unit_test(an_entity_is_carried_or_left_out_by_layer),
      cmocka_unit_test(the_entities_that_stay_keep_their_order),
      cmocka_unit_test(an_entity_without_a_place_is_refused),
      cmocka_unit_test(every_entity_of_a_peer_is_read),
      cmocka_unit_test(an_entity_without_a_place_is_left_out_on_reading),
      cmocka_unit_test(every_old_medium_is_read),
      cmocka_unit_test(every_old_message_is_read),
      cmocka_unit_test(the_attributes_say_what_a_document_is),
      cmocka_unit_test(cloud_videos_are_read),
      cmocka_unit_test(a_duration_is_a_whole_number_of_seconds),
      cmocka_unit_test(cloud_stickers_are_read),
      cmocka_unit_test(a_custom_emoji_is_a_sticker),
      cmocka_unit_test(cloud_thumbnails_are_read),
      cmocka_unit_test(progressive_thumbnails_are_read),
      cmocka_unit_test(a_message_ends_where_its_bytes_end),
      cmocka_unit_test(a_random_id_of_zero_is_passed_on_when_read),
      cmocka_unit_test(every_action_goes_round),
      cmocka_unit_test(an_action_that_lacks_something_is_refused),
      cmocka_unit_test(a_service_message_of_layer_8_is_read),
      cmocka_unit_test(every_way_of_typing_is_typing),
      cmocka_unit_test(a_wrapper_goes_round),
      cmocka_unit_test(known_wrappers_are_read),
      cmocka_unit_test(a_wrapper_that_is_not_one_is_refused),
      cmocka_unit_test(a_message_is_measured_before_it_is_written),
      cmocka_unit_test(encoding_without_memory_is_a_status),
      cmocka_unit_test(decoding_without_memory_is_a_status),
      cmocka_unit_test(decoding_takes_a_bounded_multiple_of_the_bytes),
      cmocka_unit_test(a_ttl_is_never_shorter_than_what_plays),
      cmocka_unit_test(the_clock_of_short_lived_media_starts_on_opening),
  };
  return cmocka_run_group_tests_name("model", tests, open_vectors, close_vectors);
}
