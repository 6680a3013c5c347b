/* SPDX-License-Identifier: BSL-1.0
 * forms.h - the shapes in which a secret can lie in memory: as it is, as numbers of libcrypto have it, as a hash loads it, as round keys, and
 * all that is derived from it. */
#ifndef TESTS_REMANENCE_FORMS_H
#define TESTS_REMANENCE_FORMS_H

#include "crypto/crypto.h"
#include "windows.h"

typedef struct {
  windows *into;
  const windows *except; /* may be NULL */
  uint32_t source;
} forms;

/* The bytes, backwards, and with the bytes of each word of 4 turned round at every alignment. */
void forms_bytes(const forms *f, const uint8_t *bytes, size_t size);
/* A chat key: also as Montgomery's multiplication has it. */
void forms_chat_key(const forms *f, const uint8_t key[256]);
/* A key of AES-256: with its round keys in both directions. */
void forms_aes_key(const forms *f, const uint8_t key[32]);
/* What seals records under a storage key and a salt: both steps of HKDF, the key, and GCM's H. */
void forms_sealing(const forms *f, const uint8_t storage_key[32], const uint8_t salt[16]);
/* What sealing and opening one message passes through: hashes, key, iv, round keys, and text before it goes into the cipher. */
void forms_message(const forms *f, schat__crypto *crypto, const uint8_t key[256], int by_originator, const uint8_t *message, size_t size);

#endif
