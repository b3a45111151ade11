/* The header is C99 without warnings and may be included twice; so is the same file C++ (include_twice.cpp). */
#include <scopegate.h>
#include <scopegate.h>

int main(void) {
  scopegate_str get = SCOPEGATE_STR("GET");
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = get;
  return request.size == sizeof request && request.method.len == 3 && scopegate_abi() == SCOPEGATE_ABI ? 0 : 1;
}
