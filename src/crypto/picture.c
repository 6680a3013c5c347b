/* SPDX-License-Identifier: BSL-1.0
 * picture.c - what two people compare: the hash of the first key, as a picture and as text. */
#include <string.h>

#include "../common/mem.h"
#include "crypto.h"

int schat__key_hash(schat__crypto *crypto, const uint8_t key[256], uint8_t hash[36]) {
  uint8_t sha1[20], sha256[32];
  int status = schat__sha1(crypto, sha1, key, 256, NULL, 0);
  if (status == SCHAT_OK) status = schat__sha256(crypto, sha256, key, 256, NULL, 0);
  if (status == SCHAT_OK) {
    memcpy(hash, sha1, 16);
    memcpy(hash + 16, sha256, 20);
  }
  schat__wipe(sha1, sizeof sha1);
  schat__wipe(sha256, sizeof sha256);
  return status;
}

void schat_key_picture(const uint8_t key_hash[SCHAT_KEY_HASH_SIZE], uint8_t cells[SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE]) {
  for (unsigned i = 0; i < SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE; i++) {
    cells[i] = (uint8_t)((unsigned)key_hash[i / 4] >> (i % 4 * 2) & 3u);
  }
}

void schat_key_text(const uint8_t key_hash[SCHAT_KEY_HASH_SIZE], char text[SCHAT_KEY_TEXT_SIZE]) {
  static const char digits[] = "0123456789ABCDEF";
  char *p = text;
  for (unsigned i = 0; i < 32; i++) {
    if (i > 0) {
      const char *gap = i % 8 == 0 ? "\n" : (i % 4 == 0 ? "   " : " ");
      while (*gap != 0) *p++ = *gap++;
    }
    *p++ = digits[key_hash[i] >> 4];
    *p++ = digits[key_hash[i] & 15u];
  }
  *p = 0;
}
