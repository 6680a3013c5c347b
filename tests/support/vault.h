/* SPDX-License-Identifier: BSL-1.0
 * vault.h - looks into the sealed records of a memstore with the storage key, and seals records of the test's own making. */
#ifndef TESTS_SUPPORT_VAULT_H
#define TESTS_SUPPORT_VAULT_H

#include "memstore.h"

/* The plaintext of a record sealed under world_storage_key(); malloc'ed; NULL when it does not open. */
uint8_t *vault_open(const schat_record *record, size_t *size);
/* The same for the record of that name; NULL when there is none. */
uint8_t *vault_get(const memstore *m, uint32_t kind, int32_t chat_id, int64_t key, size_t *size);
/* Seals a plaintext as the record of that name and puts it into the store, as authentic as any other. */
void vault_put(memstore *m, uint32_t kind, int32_t chat_id, int64_t key, const void *plain, size_t size);
/* How often `needle` stands in the plaintexts of all records. A record that does not open ends the program. */
size_t vault_find(const memstore *m, const void *needle, size_t size);
size_t vault_find_text(const memstore *m, const char *text);
/* Frees what is kept between calls. */
void vault_close(void);

#endif
