// Must fail: a request with one byte that nobody wrote. Shows that MemorySanitizer looks at what leaves.
#include "base/buffer.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    aero::buffer request;
    request.append({data, size});
    request.room(1);
    request.commit(1);
    aero::tests::leaves(request.view());
    return 0;
}
