// SPDX-License-Identifier: BSL-1.0
// secretchat.hpp - the C interface for C++17 and later: handles that free themselves, spans, a host as a class. It adds no logic,
// throws nothing and allocates nothing but the list of chats; statuses stay those of secretchat.h.
#ifndef SECRETCHAT_SECRETCHAT_HPP
#define SECRETCHAT_SECRETCHAT_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "secretchat.h"

namespace secretchat {

// A struct of the C interface, zeroed, with its size set.
template <typename T>
inline T make() noexcept {
  T object;
  schat__init(&object, sizeof object);
  return object;
}
template <>
inline schat_message make<schat_message>() noexcept {
  schat_message message;
  schat_message_init(&message);
  return message;
}

inline schat_bytes bytes(const void *data, std::size_t size) noexcept { return {static_cast<const std::uint8_t *>(data), size}; }
inline schat_bytes bytes(std::string_view text) noexcept { return bytes(text.data(), text.size()); }
// Any container of single bytes that lies in one piece: std::vector<uint8_t>, std::array, QByteArray …
template <typename Container, typename = decltype(std::declval<const Container &>().data()),
          typename = decltype(std::declval<const Container &>().size())>
inline schat_bytes bytes(const Container &container) noexcept {
  static_assert(sizeof(*container.data()) == 1, "a container of single bytes");
  return bytes(static_cast<const void *>(container.data()), static_cast<std::size_t>(container.size()));
}
// Borrowed, like the bytes.
inline std::string_view text(schat_bytes b) noexcept { return {reinterpret_cast<const char *>(b.data), b.size}; }

// Owns a handle that `Free` gives back.
template <typename T, void (*Free)(T *)>
class handle {
 public:
  handle() noexcept = default;
  explicit handle(T *owned) noexcept : handle_(owned) {}
  handle(handle &&other) noexcept : handle_(other.release()) {}
  handle &operator=(handle &&other) noexcept {
    reset(other.release());
    return *this;
  }
  handle(const handle &) = delete;
  handle &operator=(const handle &) = delete;
  ~handle() { reset(); }

  T *get() const noexcept { return handle_; }
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  T *release() noexcept { return std::exchange(handle_, nullptr); }
  void reset(T *owned = nullptr) noexcept {
    T *old = std::exchange(handle_, owned);
    if (old != nullptr && old != owned) Free(old);
  }
  // For the out parameter of a function that makes one; what was owned is freed first.
  T **out() noexcept {
    reset();
    return &handle_;
  }

 private:
  T *handle_ = nullptr;
};

using manager = handle<schat_manager, schat_close>;
using file = handle<schat_file, schat_file_free>;

// The next piece of a file, for schat_file_update_many.
inline schat_file_part part(const file &f, schat_bytes in, std::uint8_t *out) noexcept {
  auto p = make<schat_file_part>();
  p.file = f.get();
  p.in = in.data;
  p.in_size = in.size;
  p.out = out;
  return p;
}

// The host as a class. Functions must not throw: a throw ends the program at the boundary instead of crossing C.
class host {
 public:
  virtual ~host() = default;
  virtual void request(const schat_request &request) noexcept = 0;
  virtual void event(const schat_event &event) noexcept = 0;
  virtual void log(int, std::string_view) noexcept {}

  // Refers to this object, which must outlive the manager.
  schat_host vtable() noexcept {
    auto v = make<schat_host>();
    v.user_data = this;
    v.request = [](void *self, const schat_request *r) noexcept { static_cast<host *>(self)->request(*r); };
    v.event = [](void *self, const schat_event *e) noexcept { static_cast<host *>(self)->event(*e); };
    v.log = [](void *self, int level, const char *line) noexcept { static_cast<host *>(self)->log(level, line); };
    return v;
  }
};

// The ids of all chats, CLOSED ones too.
inline std::vector<std::int32_t> chats(const manager &m) {
  std::size_t count = 0;
  if (schat_chat_list(m.get(), nullptr, 0, &count) != SCHAT_OK) return {};
  std::vector<std::int32_t> ids(count);
  if (schat_chat_list(m.get(), ids.data(), ids.size(), &count) != SCHAT_OK) return {};
  ids.resize(count < ids.size() ? count : ids.size());
  return ids;
}

}  // namespace secretchat

#endif
