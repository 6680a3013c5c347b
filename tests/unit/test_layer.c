/* SPDX-License-Identifier: BSL-1.0
 * test_layer.c - which constructors may be written to a peer that reads by a strict table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tl/model.h"

static const int32_t stated_layers[] = {73, 101, 144};

/* The tables of the strictest readers, constructor by constructor: what is here is in 73, 101 and 144. */
static const uint16_t common[] = {
    SCHAT__TL_decryptedMessageMediaEmpty,
    SCHAT__TL_decryptedMessageMediaGeoPoint,
    SCHAT__TL_decryptedMessageMediaContact,
    SCHAT__TL_decryptedMessageActionSetMessageTTL,
    SCHAT__TL_decryptedMessageActionReadMessages,
    SCHAT__TL_decryptedMessageActionDeleteMessages,
    SCHAT__TL_decryptedMessageActionScreenshotMessages,
    SCHAT__TL_decryptedMessageActionFlushHistory,
    SCHAT__TL_decryptedMessageService,
    SCHAT__TL_decryptedMessageMediaAudio,
    SCHAT__TL_decryptedMessageLayer,
    SCHAT__TL_decryptedMessageActionResend,
    SCHAT__TL_decryptedMessageActionNotifyLayer,
    SCHAT__TL_decryptedMessageActionRequestKey,
    SCHAT__TL_decryptedMessageActionAcceptKey,
    SCHAT__TL_decryptedMessageActionAbortKey,
    SCHAT__TL_decryptedMessageActionCommitKey,
    SCHAT__TL_decryptedMessageActionNoop,
    SCHAT__TL_documentAttributeImageSize,
    SCHAT__TL_documentAttributeAnimated,
    SCHAT__TL_documentAttributeFilename,
    SCHAT__TL_photoSizeEmpty,
    SCHAT__TL_photoSize,
    SCHAT__TL_photoCachedSize,
    SCHAT__TL_fileLocationUnavailable,
    SCHAT__TL_fileLocation,
    SCHAT__TL_decryptedMessageMediaExternalDocument,
    SCHAT__TL_decryptedMessageMediaPhoto,
    SCHAT__TL_decryptedMessageMediaVideo,
    SCHAT__TL_documentAttributeSticker,
    SCHAT__TL_messageEntityUnknown,
    SCHAT__TL_messageEntityMention,
    SCHAT__TL_messageEntityHashtag,
    SCHAT__TL_messageEntityBotCommand,
    SCHAT__TL_messageEntityUrl,
    SCHAT__TL_messageEntityEmail,
    SCHAT__TL_messageEntityBold,
    SCHAT__TL_messageEntityItalic,
    SCHAT__TL_messageEntityCode,
    SCHAT__TL_messageEntityPre,
    SCHAT__TL_messageEntityTextUrl,
    SCHAT__TL_inputStickerSetShortName,
    SCHAT__TL_inputStickerSetEmpty,
    SCHAT__TL_decryptedMessageMediaVenue,
    SCHAT__TL_decryptedMessageMediaWebPage,
    SCHAT__TL_documentAttributeAudio,
    SCHAT__TL_documentAttributeVideo,
    SCHAT__TL_decryptedMessage,
};
static const uint16_t from_101[] = {
    SCHAT__TL_messageEntityUnderline,
    SCHAT__TL_messageEntityStrike,
    SCHAT__TL_messageEntityBlockquote,
};
static const uint16_t from_144[] = {
    SCHAT__TL_decryptedMessageMediaDocument,
    SCHAT__TL_messageEntitySpoiler,
    SCHAT__TL_messageEntityCustomEmoji,
};

static int is_in(const uint16_t *list, size_t count, size_t constructor) {
  for (size_t i = 0; i < count; i++) {
    if (list[i] == constructor) return 1;
  }
  return 0;
}

static int expected(size_t constructor, int32_t stated) {
  if (is_in(common, sizeof common / sizeof *common, constructor)) return 1;
  if (is_in(from_101, sizeof from_101 / sizeof *from_101, constructor)) return stated >= 101;
  if (is_in(from_144, sizeof from_144 / sizeof *from_144, constructor)) return stated == 144;
  return constructor == SCHAT__TL_decryptedMessageMediaDocument46 && stated < 144;
}

/* R-LAY-02, D-04: the layer stated is one that every reader has, and never more than the peer's. */
static void the_stated_layer_is_73_101_or_144(void **state) {
  (void)state;
  static const struct {
    int32_t peer, stated;
  } rows[] = {{INT32_MIN, 73}, {0, 73},    {8, 73},    {46, 73},   {66, 73},   {73, 73},   {100, 73},
              {101, 101},      {123, 101}, {143, 101}, {144, 144}, {145, 144}, {151, 144}, {INT32_MAX, 144}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(schat__layer_for(rows[i].peer), rows[i].stated);
}

/* R-ENC-01, D-04 (accept and reject): every constructor at every layer, against the list above. */
static void every_constructor_belongs_to_the_tables_of_its_layer(void **state) {
  (void)state;
  for (size_t c = 0; c < SCHAT__TL_COUNT; c++) {
    for (size_t i = 0; i < 3; i++) assert_int_equal(schat__layer_has(c, stated_layers[i]), expected(c, stated_layers[i]));
  }
  assert_int_equal(schat__layer_has(SCHAT__TL_COUNT, 144), 0);
}

/* D-04 (reject): 46, 66, 123, 143 and 151 are never stated. */
static void no_other_layer_may_be_stated(void **state) {
  (void)state;
  for (int32_t stated = -1; stated < 200; stated++) {
    const int is_stated = stated == 73 || stated == 101 || stated == 144;
    assert_int_equal(schat__layer_has(SCHAT__TL_decryptedMessage, stated), is_stated);
  }
}

/* F10 (reject): nothing of the cloud is ever written. */
static void nothing_of_the_cloud_is_in_a_table(void **state) {
  (void)state;
  size_t cloud = 0;
  for (size_t c = 0; c < SCHAT__TL_COUNT; c++) {
    if (schat__tl_constructor_at(c)->layer != 0) continue;
    cloud++;
    for (size_t i = 0; i < 3; i++) assert_int_equal(schat__layer_has(c, stated_layers[i]), 0);
  }
  assert_true(cloud > 20);
}

/* L3: one part that is not in the table spoils the whole, however deep it is. */
static void an_object_is_allowed_when_all_its_parts_are(void **state) {
  (void)state;
  schat__arena arena;
  schat__arena_init(&arena, NULL, 65536);
  schat__tl_object *message = schat__tl_new(&arena, SCHAT__TL_decryptedMessage);
  schat__tl_object *document = schat__tl_new(&arena, SCHAT__TL_decryptedMessageMediaDocument46);
  schat__tl_object *sticker = schat__tl_new(&arena, SCHAT__TL_documentAttributeSticker);
  schat__tl_value items[1] = {{0}};
  schat__tl_get(message, SCHAT__WORD_media)->object = document;
  schat__tl_get(document, SCHAT__WORD_attributes)->vector.items = items;
  schat__tl_get(document, SCHAT__WORD_attributes)->vector.count = 1;
  items[0].object = sticker;
  schat__tl_get(sticker, SCHAT__WORD_stickerset)->object = schat__tl_new(&arena, SCHAT__TL_inputStickerSetEmpty);
  assert_int_equal(schat__layer_allows(message, 73), 1);
  assert_int_equal(schat__layer_allows(message, 101), 1);
  assert_int_equal(schat__layer_allows(message, 144), 0);
  assert_int_equal(schat__layer_allows(message, 100), 0);
  schat__tl_get(sticker, SCHAT__WORD_stickerset)->object = schat__tl_new(&arena, SCHAT__TL_inputStickerSetID);
  assert_int_equal(schat__layer_allows(message, 73), 0);
  schat__arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_stated_layer_is_73_101_or_144),
      cmocka_unit_test(every_constructor_belongs_to_the_tables_of_its_layer),
      cmocka_unit_test(no_other_layer_may_be_stated),
      cmocka_unit_test(nothing_of_the_cloud_is_in_a_table),
      cmocka_unit_test(an_object_is_allowed_when_all_its_parts_are),
  };
  return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
