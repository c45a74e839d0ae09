// Input: the body of an info reply. Its lines lie inside it and are written as a body that splits into the same lines.
#include "testing/fuzz.h"
#include "wire/info_text.h"

using namespace aero;
using namespace aero::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view body = as_text({data, size});
    const std::vector<info_line> lines = split_info_reply(body);
    buffer written;
    append_info_reply(written, lines);
    const auto frame = decode_frame_header(written.data());
    FUZZ_CHECK(frame && frame->type == frame_type::info && frame->body_size == written.size() - frame_header_size);
    const std::vector<info_line> again = split_info_reply(as_text(written.view().subspan(frame_header_size)));
    FUZZ_CHECK(again.size() == lines.size());
    for (size_t i = 0; i < lines.size(); ++i) {
        FUZZ_CHECK(again[i].command == lines[i].command && again[i].value == lines[i].value);
        const auto error = info_error_of(lines[i].value);
        FUZZ_CHECK(!error || error->text.size() <= lines[i].value.size());
        FUZZ_CHECK(!error || lines[i].value.starts_with("ERROR") || lines[i].value.starts_with("FAIL") ||
                   lines[i].value.starts_with("error="));
    }
    size_t total = 0;
    const std::vector<std::string_view> parts = split(body, ';');
    for (const std::string_view part : parts) total += part.size() + 1;
    FUZZ_CHECK(parts.empty() ? body.empty() : total == size + 1);
    return 0;
}
