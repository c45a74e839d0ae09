// Label values of the exposition: made valid once, when a series is first seen, and escaped when they are written.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace aero::metrics {

// At most `label_bytes_max` bytes of valid UTF-8: a longer value is cut between characters, bytes that are no UTF-8
// become '?', because one bad label would make a scraper reject the whole text.
std::string clean_label(std::string_view raw);

// Appends the value with backslash, quote and line feed escaped as the text format wants them.
void append_escaped(std::string& to, std::string_view label);

}  // namespace aero::metrics
