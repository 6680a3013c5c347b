// SPDX-License-Identifier: BSL-1.0
// wrapper.cpp - the C++ wrapper: handles free once, spans borrow, a host gets its calls.
#include <secretchat/secretchat.hpp>

#include <array>
#include <cstdio>
#include <string>

namespace {

int frees = 0;
void count_free(int *) { ++frees; }
using counted = secretchat::handle<int, count_free>;

struct quiet_host : secretchat::host {
  int requests = 0, events = 0;
  std::string line;
  void request(const schat_request &) noexcept override { ++requests; }
  void event(const schat_event &) noexcept override { ++events; }
  void log(int, std::string_view text) noexcept override { line = text; }
};

int nothing(void *, const schat_batch *) { return SCHAT_OK; }
int no_records(void *, schat_record_fn, void *) { return SCHAT_OK; }

bool handles_free_once() {
  int object = 0;
  {
    counted a(&object), b(std::move(a));
    if (a || !b) return false;
    a = std::move(b);
    counted c(a.release());
  }
  if (frees != 1) return false;
  counted d(&object);
  *d.out() = &object;
  return frees == 2;
}

bool spans_borrow() {
  const std::array<std::uint8_t, 3> raw{{1, 2, 3}};
  const std::string word = "word";
  return secretchat::bytes(raw).data == raw.data() && secretchat::bytes(raw).size == 3 && secretchat::text(secretchat::bytes(word)) == word;
}

bool structs_are_made() {
  return secretchat::make<schat_event>().size == sizeof(schat_event) && secretchat::make<schat_message>().ttl == SCHAT_TTL_OF_CHAT;
}

bool a_host_gets_its_calls() {
  quiet_host host;
  const schat_host v = host.vtable();
  const auto request = secretchat::make<schat_request>();
  const auto event = secretchat::make<schat_event>();
  v.request(v.user_data, &request);
  v.event(v.user_data, &event);
  v.log(v.user_data, SCHAT_LOG_INFO, "a line");
  return host.requests == 1 && host.events == 1 && host.line == "a line";
}

bool a_manager_opens() {
  const std::array<std::uint8_t, SCHAT_STORAGE_KEY_SIZE> key{};
  quiet_host host;
  const schat_host vtable = host.vtable();
  auto store = secretchat::make<schat_store>();
  store.commit = nothing;
  store.scan = no_records;
  auto config = secretchat::make<schat_config>();
  config.store = &store;
  config.host = &vtable;
  config.storage_key = key.data();
  secretchat::manager manager;
  return schat_open(&config, 1700000000000, manager.out()) == SCHAT_OK && manager && secretchat::chats(manager).empty();
}

bool files_go_side_by_side() {
  const std::array<std::uint8_t, SCHAT_FILE_KEY_SIZE> key{}, iv{};
  std::array<std::uint8_t, 32> text{}, out{}, single{};
  secretchat::file together[2], alone;
  for (auto &f : together) {
    if (schat_file_encrypt_begin(nullptr, key.data(), iv.data(), 32, nullptr, nullptr, f.out()) != SCHAT_OK) return false;
  }
  if (schat_file_encrypt_begin(nullptr, key.data(), iv.data(), 32, nullptr, nullptr, alone.out()) != SCHAT_OK) return false;
  std::size_t written = 0;
  if (schat_file_update(alone.get(), text.data(), text.size(), single.data(), &written) != SCHAT_OK) return false;
  schat_file_part parts[] = {secretchat::part(together[0], secretchat::bytes(text), out.data()),
                             secretchat::part(together[1], secretchat::bytes(text), text.data())};
  return schat_file_update_many(parts, 2) == SCHAT_OK && parts[0].status == SCHAT_OK && parts[1].status == SCHAT_OK &&
         parts[0].written == written && out == single && text == single;
}

}  // namespace

int main() {
  const bool results[] = {handles_free_once(), spans_borrow(), structs_are_made(), a_host_gets_its_calls(), a_manager_opens(), files_go_side_by_side()};
  int failed = 0;
  for (bool good : results) failed = failed * 2 + !good;
  std::printf("%d\n", failed);
  return failed;
}
