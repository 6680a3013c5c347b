/* SPDX-License-Identifier: BSL-1.0
 * media.c - media of every layer to and from the one public form. */
#include "convert.h"

#define SLOT(word, how, member) SCHAT__SLOT(word, how, schat_media, member)

/* DecryptedMessageMedia and DocumentAttribute. */
static const schat__slot media_slots[SCHAT__WORD_COUNT] = {
    SLOT(size, SIZE, size),
    SLOT(key, KEY, key),
    SLOT(iv, KEY, iv),
    SLOT(thumb, BYTES, thumb),
    SLOT(thumb_w, INT, thumb_width),
    SLOT(thumb_h, INT, thumb_height),
    SLOT(mime_type, BYTES, mime_type),
    SLOT(file_name, BYTES, file_name),
    SLOT(caption, BYTES, caption),
    SLOT(w, INT, width),
    SLOT(h, INT, height),
    SLOT(duration, INT, duration),
    SLOT(title, BYTES, title),
    SLOT(performer, BYTES, performer),
    SLOT(waveform, BYTES, waveform),
    SLOT(alt, BYTES, emoji),
    SLOT(id, LONG, id),
    SLOT(access_hash, LONG, access_hash),
    SLOT(date, INT, date),
    SLOT(dc_id, INT, dc_id),
    SLOT(phone_number, BYTES, phone_number),
    SLOT(first_name, BYTES, first_name),
    SLOT(last_name, BYTES, last_name),
    SLOT(user_id, LONG, user_id),
    SLOT(lat, DOUBLE, latitude),
    SLOT(long, DOUBLE, longitude),
    SLOT(address, BYTES, address),
    SLOT(provider, BYTES, provider),
    SLOT(venue_id, BYTES, venue_id),
    SLOT(url, BYTES, url),
};

/* PhotoSize and FileLocation, which name their fields like the document they are the thumbnail of. */
static const schat__slot thumb_slots[SCHAT__WORD_COUNT] = {
    SLOT(type, BYTES, thumb_type),       SLOT(w, INT, thumb_width),
    SLOT(h, INT, thumb_height),          SLOT(size, COUNT, thumb_size),
    SLOT(bytes, BYTES, thumb),           SLOT(dc_id, INT, thumb_dc_id),
    SLOT(local_id, INT, thumb_local_id), SLOT(volume_id, LONG, thumb_volume_id),
    SLOT(secret, LONG, thumb_secret),
};

/* InputStickerSet: the id that the cloud's form has instead of a name means nothing here. */
static const schat__slot set_slots[SCHAT__WORD_COUNT] = {SLOT(short_name, BYTES, sticker_set)};

/* Reading ------------------------------------------------------------------------------------------------------------------ */

/* Official clients make voice notes of decryptedMessageMediaAudio. */
static const uint8_t media_types[SCHAT__TL_COUNT] = {
    [SCHAT__TL_decryptedMessageMediaPhoto8] = SCHAT_MEDIA_PHOTO,
    [SCHAT__TL_decryptedMessageMediaPhoto] = SCHAT_MEDIA_PHOTO,
    [SCHAT__TL_decryptedMessageMediaVideo8] = SCHAT_MEDIA_VIDEO,
    [SCHAT__TL_decryptedMessageMediaVideo23] = SCHAT_MEDIA_VIDEO,
    [SCHAT__TL_decryptedMessageMediaVideo] = SCHAT_MEDIA_VIDEO,
    [SCHAT__TL_decryptedMessageMediaAudio8] = SCHAT_MEDIA_VOICE,
    [SCHAT__TL_decryptedMessageMediaAudio] = SCHAT_MEDIA_VOICE,
    [SCHAT__TL_decryptedMessageMediaDocument8] = SCHAT_MEDIA_DOCUMENT,
    [SCHAT__TL_decryptedMessageMediaDocument46] = SCHAT_MEDIA_DOCUMENT,
    [SCHAT__TL_decryptedMessageMediaDocument] = SCHAT_MEDIA_DOCUMENT,
    [SCHAT__TL_decryptedMessageMediaExternalDocument] = SCHAT_MEDIA_EXTERNAL_DOCUMENT,
    [SCHAT__TL_decryptedMessageMediaContact] = SCHAT_MEDIA_CONTACT,
    [SCHAT__TL_decryptedMessageMediaGeoPoint] = SCHAT_MEDIA_LOCATION,
    [SCHAT__TL_decryptedMessageMediaVenue] = SCHAT_MEDIA_VENUE,
    [SCHAT__TL_decryptedMessageMediaWebPage] = SCHAT_MEDIA_WEB_PAGE,
};

/* What an attribute says of its document. */
enum { IS_STICKER = 1, IS_ANIMATED = 2, IS_VIDEO = 4, IS_ROUND = 8, IS_AUDIO = 16, IS_VOICE = 32 };

static const uint8_t traits[SCHAT__TL_COUNT] = {
    [SCHAT__TL_documentAttributeAnimated] = IS_ANIMATED,
    [SCHAT__TL_documentAttributeSticker23] = IS_STICKER,
    [SCHAT__TL_documentAttributeSticker_994c9882] = IS_STICKER,
    [SCHAT__TL_documentAttributeSticker] = IS_STICKER,
    [SCHAT__TL_documentAttributeSticker_6319d612] = IS_STICKER,
    [SCHAT__TL_documentAttributeCustomEmoji] = IS_STICKER,
    [SCHAT__TL_documentAttributeVideo23] = IS_VIDEO,
    [SCHAT__TL_documentAttributeVideo] = IS_VIDEO,
    [SCHAT__TL_documentAttributeVideo_d38ff1c2] = IS_VIDEO,
    [SCHAT__TL_documentAttributeVideo_17399fad] = IS_VIDEO,
    [SCHAT__TL_documentAttributeVideo_43c57c48] = IS_VIDEO,
    [SCHAT__TL_documentAttributeAudio23] = IS_AUDIO,
    [SCHAT__TL_documentAttributeAudio45] = IS_AUDIO,
    [SCHAT__TL_documentAttributeAudio] = IS_AUDIO,
};

static int is_set(const schat__tl_object *object, unsigned word) {
  const schat__tl_value *value = schat__tl_get(object, word);
  return value != NULL && value->i != 0;
}

static unsigned take_attribute(const schat__tl_object *attribute, schat_media *media) {
  unsigned found = traits[schat__tl_index(attribute)];
  schat__slots_take(media_slots, attribute, media);
  const schat__tl_value *set = schat__tl_get(attribute, SCHAT__WORD_stickerset);
  if (set != NULL) schat__slots_take(set_slots, set->object, media);
  if (is_set(attribute, SCHAT__WORD_round_message)) found |= IS_ROUND;
  if (is_set(attribute, SCHAT__WORD_voice)) found |= IS_VOICE;
  return found;
}

static int32_t document_type(unsigned found) {
  if ((found & IS_STICKER) != 0) return SCHAT_MEDIA_STICKER;
  if ((found & IS_ANIMATED) != 0) return SCHAT_MEDIA_ANIMATION;
  if ((found & IS_ROUND) != 0) return SCHAT_MEDIA_ROUND_VIDEO;
  if ((found & IS_VIDEO) != 0) return SCHAT_MEDIA_VIDEO;
  if ((found & IS_VOICE) != 0) return SCHAT_MEDIA_VOICE;
  return (found & IS_AUDIO) != 0 ? SCHAT_MEDIA_AUDIO : SCHAT_MEDIA_DOCUMENT;
}

static void take_attributes(const schat__tl_value *attributes, schat_media *media) {
  unsigned found = 0;
  for (size_t i = 0; i < attributes->vector.count; i++) found |= take_attribute(attributes->vector.items[i].object, media);
  if (media->type == SCHAT_MEDIA_DOCUMENT) media->type = document_type(found);
}

/* The whole file's size of a progressive JPEG is the last of its prefixes'. */
static void take_sizes(const schat__tl_value *sizes, schat_media *media) {
  if (sizes == NULL || sizes->vector.count == 0) return;
  const int32_t last = sizes->vector.items[sizes->vector.count - 1].i;
  media->thumb_size = last > 0 ? last : 0;
}

static void take_thumb(const schat__tl_object *size, schat_media *media) {
  schat__slots_take(thumb_slots, size, media);
  const schat__tl_value *location = schat__tl_get(size, SCHAT__WORD_location);
  if (location != NULL) schat__slots_take(thumb_slots, location->object, media);
  take_sizes(schat__tl_get(size, SCHAT__WORD_sizes), media);
  const size_t form = schat__tl_index(size);
  if (form != SCHAT__TL_photoStrippedSize && form != SCHAT__TL_photoPathSize) return;
  media->thumb.data = NULL; /* outlines and stripped JPEGs are no pictures by themselves */
  media->thumb.size = 0;
}

void schat__media_take(const schat__tl_object *object, schat_media *media) {
  media->type = media_types[schat__tl_index(object)];
  schat__slots_take(media_slots, object, media);
  const schat__tl_value *attributes = schat__tl_get(object, SCHAT__WORD_attributes);
  if (attributes != NULL) take_attributes(attributes, media);
  if (media->type == SCHAT_MEDIA_EXTERNAL_DOCUMENT) take_thumb(schat__tl_get(object, SCHAT__WORD_thumb)->object, media);
}

/* Writing ------------------------------------------------------------------------------------------------------------------ */

#define ATTRIBUTES_MAX 4u

/* Those that have a form of their own; the others are documents with attributes. */
static const uint8_t media_constructors[SCHAT_MEDIA_UNSUPPORTED] = {
    [SCHAT_MEDIA_PHOTO] = SCHAT__TL_decryptedMessageMediaPhoto,
    [SCHAT_MEDIA_VIDEO] = SCHAT__TL_decryptedMessageMediaVideo,
    [SCHAT_MEDIA_EXTERNAL_DOCUMENT] = SCHAT__TL_decryptedMessageMediaExternalDocument,
    [SCHAT_MEDIA_CONTACT] = SCHAT__TL_decryptedMessageMediaContact,
    [SCHAT_MEDIA_LOCATION] = SCHAT__TL_decryptedMessageMediaGeoPoint,
    [SCHAT_MEDIA_VENUE] = SCHAT__TL_decryptedMessageMediaVenue,
    [SCHAT_MEDIA_WEB_PAGE] = SCHAT__TL_decryptedMessageMediaWebPage,
};

/* Files of 2^31 bytes need the document of layer 144 (F6, D-30); a video has a document's form, too. */
static unsigned media_constructor(const schat_media *media, int32_t stated) {
  const unsigned own = media_constructors[media->type];
  const int is_big_video = media->type == SCHAT_MEDIA_VIDEO && media->size > INT32_MAX && stated == 144;
  if (own != 0 && !is_big_video) return own;
  return stated == 144 ? SCHAT__TL_decryptedMessageMediaDocument : SCHAT__TL_decryptedMessageMediaDocument46;
}

static int is_sticker(const schat_media *m) {
  return m->type == SCHAT_MEDIA_STICKER || (m->type == SCHAT_MEDIA_EXTERNAL_DOCUMENT && (m->emoji.size > 0 || m->sticker_set.size > 0));
}

static int moves(const schat_media *m) {
  if (m->type == SCHAT_MEDIA_VIDEO || m->type == SCHAT_MEDIA_ROUND_VIDEO) return 1;
  if (m->type == SCHAT_MEDIA_ANIMATION) return m->width != 0 || m->height != 0 || m->duration != 0;
  return (m->type == SCHAT_MEDIA_STICKER || m->type == SCHAT_MEDIA_EXTERNAL_DOCUMENT) && m->duration != 0;
}

static int is_still(const schat_media *m) {
  if (m->type == SCHAT_MEDIA_ANIMATION || m->type == SCHAT_MEDIA_VOICE || m->type == SCHAT_MEDIA_AUDIO) return 0;
  return m->width != 0 || m->height != 0;
}

static size_t list_attributes(const schat_media *m, uint8_t list[ATTRIBUTES_MAX]) {
  size_t n = 0;
  if (m->file_name.size > 0) list[n++] = SCHAT__TL_documentAttributeFilename;
  if (m->type == SCHAT_MEDIA_ANIMATION) list[n++] = SCHAT__TL_documentAttributeAnimated;
  if (is_sticker(m)) list[n++] = SCHAT__TL_documentAttributeSticker;
  if (m->type == SCHAT_MEDIA_VOICE || m->type == SCHAT_MEDIA_AUDIO) list[n++] = SCHAT__TL_documentAttributeAudio;
  if (moves(m)) {
    list[n++] = SCHAT__TL_documentAttributeVideo;
  } else if (is_still(m)) {
    list[n++] = SCHAT__TL_documentAttributeImageSize;
  }
  return n;
}

static int give_object(schat__arena *arena, const schat__slot *slots, const schat_media *media, unsigned constructor,
                       schat__tl_object **out) {
  *out = schat__tl_new(arena, constructor);
  return *out != NULL ? schat__slots_give(slots, media, *out) : SCHAT_E_NOMEM;
}

static int give_attribute(schat__arena *arena, const schat_media *media, unsigned constructor, schat__tl_object **out) {
  const int status = give_object(arena, media_slots, media, constructor, out);
  if (status != SCHAT_OK) return status;
  schat__tl_value *voice = schat__tl_get(*out, SCHAT__WORD_voice);
  schat__tl_value *round = schat__tl_get(*out, SCHAT__WORD_round_message);
  schat__tl_value *set = schat__tl_get(*out, SCHAT__WORD_stickerset);
  if (voice != NULL) voice->i = media->type == SCHAT_MEDIA_VOICE;
  if (round != NULL) round->i = media->type == SCHAT_MEDIA_ROUND_VIDEO;
  if (set == NULL) return SCHAT_OK;
  const int named = media->sticker_set.size > 0;
  return give_object(arena, set_slots, media, named ? SCHAT__TL_inputStickerSetShortName : SCHAT__TL_inputStickerSetEmpty, &set->object);
}

static int give_attributes(schat__arena *arena, const schat_media *media, schat__tl_value *attributes) {
  uint8_t list[ATTRIBUTES_MAX];
  attributes->vector.count = list_attributes(media, list);
  attributes->vector.items = schat__arena_take(arena, ATTRIBUTES_MAX * sizeof(schat__tl_value));
  if (attributes->vector.items == NULL) return SCHAT_E_NOMEM;
  for (size_t i = 0; i < attributes->vector.count; i++) {
    const int status = give_attribute(arena, media, list[i], &attributes->vector.items[i].object);
    if (status != SCHAT_OK) return status;
  }
  return SCHAT_OK;
}

static unsigned thumb_constructor(const schat_media *m) {
  if (m->thumb.size > 0) return SCHAT__TL_photoCachedSize;
  const int is_known = m->thumb_size != 0 || m->thumb_width != 0 || m->thumb_height != 0 || m->thumb_dc_id != 0 || m->thumb_local_id != 0 ||
                       m->thumb_volume_id != 0 || m->thumb_secret != 0;
  return is_known ? SCHAT__TL_photoSize : SCHAT__TL_photoSizeEmpty;
}

static int give_thumb(schat__arena *arena, const schat_media *media, schat__tl_object **thumb) {
  const int status = give_object(arena, thumb_slots, media, thumb_constructor(media), thumb);
  if (status != SCHAT_OK) return status;
  schat__tl_value *location = schat__tl_get(*thumb, SCHAT__WORD_location);
  if (location == NULL) return SCHAT_OK;
  const unsigned form = media->thumb_dc_id != 0 ? SCHAT__TL_fileLocation : SCHAT__TL_fileLocationUnavailable;
  return give_object(arena, thumb_slots, media, form, &location->object);
}

static int give_rest(schat__arena *arena, const schat_media *media, const schat__tl_object *object) {
  schat__tl_value *attributes = schat__tl_get(object, SCHAT__WORD_attributes);
  if (attributes == NULL) return SCHAT_OK;
  static const schat_bytes ogg = {(const uint8_t *)"audio/ogg", 9};
  if (media->type == SCHAT_MEDIA_VOICE && media->mime_type.size == 0) schat__tl_get(object, SCHAT__WORD_mime_type)->s = ogg;
  const int status = give_attributes(arena, media, attributes);
  if (status != SCHAT_OK || media->type != SCHAT_MEDIA_EXTERNAL_DOCUMENT) return status;
  return give_thumb(arena, media, &schat__tl_get(object, SCHAT__WORD_thumb)->object);
}

int schat__media_give(schat__arena *arena, const schat_media *media, int32_t stated, schat__tl_object **object) {
  *object = NULL;
  if (media->type < SCHAT_MEDIA_NONE || media->type > SCHAT_MEDIA_UNSUPPORTED) return SCHAT_E_INVALID;
  if (media->type == SCHAT_MEDIA_UNSUPPORTED) return SCHAT_E_UNSUPPORTED;
  if (media->type == SCHAT_MEDIA_NONE) return SCHAT_OK;
  const int status = give_object(arena, media_slots, media, media_constructor(media, stated), object);
  return status == SCHAT_OK ? give_rest(arena, media, *object) : status;
}
