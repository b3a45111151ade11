// scopegate.hpp: owning handles over scopegate.h, for C++17.
//
//     scopegate::token token;
//     scopegate::response answer;
//     if (scopegate_server_authorize(gate.get(), &request, scopegate::into(token), scopegate::into(answer)) == SCOPEGATE_OK)
//       greet(scopegate::view(scopegate_token_subject(token.get())));
//     else
//       send(scopegate::view(scopegate_response_http1(answer.get())));

#ifndef SCOPEGATE_HPP
#define SCOPEGATE_HPP

#include <scopegate.h>

#include <memory>
#include <string_view>

namespace scopegate {

struct deleter {
  void operator()(scopegate_server *handle) const noexcept { scopegate_server_free(handle); }
  void operator()(scopegate_token *handle) const noexcept { scopegate_token_free(handle); }
  void operator()(scopegate_response *handle) const noexcept { scopegate_response_free(handle); }
  void operator()(scopegate_error *handle) const noexcept { scopegate_error_free(handle); }
  void operator()(scopegate_key_request *handle) const noexcept { scopegate_key_request_free(handle); }
  void operator()(scopegate_report *handle) const noexcept { scopegate_report_free(handle); }
};

using server = std::unique_ptr<scopegate_server, deleter>;
using token = std::unique_ptr<scopegate_token, deleter>;
using response = std::unique_ptr<scopegate_response, deleter>;
using error = std::unique_ptr<scopegate_error, deleter>;
using key_request = std::unique_ptr<scopegate_key_request, deleter>;
using report = std::unique_ptr<scopegate_report, deleter>;

// The place for a result that is handed to a function of scopegate.h. At the end of the call the result, if there is
// one, belongs to the handle.
template <class T>
class into {
 public:
  explicit into(std::unique_ptr<T, deleter> &handle) noexcept : handle_(handle) {}
  ~into() {
    if (result_ != nullptr) handle_.reset(result_);
  }
  into(const into &) = delete;
  into &operator=(const into &) = delete;
  operator T **() noexcept { return &result_; }

 private:
  std::unique_ptr<T, deleter> &handle_;
  T *result_ = nullptr;
};

// Lent text. It lives as long as the handle it was read from; an absent text has a null data().
inline std::string_view view(scopegate_str text) noexcept { return {text.data, text.len}; }

// Text to hand in, read during the call only.
inline scopegate_str str(std::string_view text) noexcept { return {text.data(), text.size()}; }

}  // namespace scopegate

#endif  // SCOPEGATE_HPP
