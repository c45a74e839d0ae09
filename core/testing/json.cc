#include "testing/json.h"

#include <fstream>
#include <stdexcept>

namespace aero::tests {

namespace {

class parser {
  public:
    explicit parser(std::string_view text) : text_(text) {}

    json whole() {
        json parsed = value();
        space();
        if (at_ != text_.size()) fail();
        return parsed;
    }

  private:
    [[noreturn]] void fail() const { throw std::runtime_error("not JSON at byte " + std::to_string(at_)); }
    void space() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
    }
    bool eat(char c) {
        space();
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!eat(c)) fail();
    }
    json value() {
        json parsed;
        if (eat('{')) {
            parsed.type = json::kind::object;
            if (eat('}')) return parsed;
            do {
                expect('"');
                std::string name = string();
                expect(':');
                parsed.members.emplace_back(std::move(name), value());
            } while (eat(','));
            expect('}');
        } else if (eat('[')) {
            parsed.type = json::kind::array;
            if (eat(']')) return parsed;
            do parsed.items.push_back(value());
            while (eat(','));
            expect(']');
        } else if (eat('"')) {
            parsed.type = json::kind::text;
            parsed.text = string();
        } else {
            while (at_ < text_.size() && !std::string_view(",]} \t\r\n").contains(text_[at_]))
                parsed.text += text_[at_++];
            if (parsed.text.empty()) fail();
        }
        return parsed;
    }
    std::string string() {
        std::string parsed;
        while (true) {
            if (at_ == text_.size()) fail();
            const char c = text_[at_++];
            if (c == '"') return parsed;
            if (c == '\\') {
                escape(parsed);
            } else {
                parsed += c;
            }
        }
    }
    void escape(std::string& to) {
        if (at_ == text_.size()) fail();
        const char c = text_[at_++];
        const size_t known = std::string_view("bfnrt").find(c);
        if (known != std::string_view::npos) {
            to += "\b\f\n\r\t"[known];
        } else if (c == 'u') {
            if (text_.size() - at_ < 4) fail();
            append_utf8(to, std::stoul(std::string(text_.substr(at_, 4)), nullptr, 16));
            at_ += 4;
        } else {
            to += c;
        }
    }
    // Characters of the basic plane; recorded data has no others.
    static void append_utf8(std::string& to, unsigned long c) {
        if (c < 0x80) {
            to += static_cast<char>(c);
        } else if (c < 0x800) {
            to += static_cast<char>(0xc0 | c >> 6);
            to += static_cast<char>(0x80 | (c & 63));
        } else {
            to += static_cast<char>(0xe0 | c >> 12);
            to += static_cast<char>(0x80 | (c >> 6 & 63));
            to += static_cast<char>(0x80 | (c & 63));
        }
    }

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

json::json() = default;
json::json(const json&) = default;
json::json(json&&) noexcept = default;
json& json::operator=(const json&) = default;
json& json::operator=(json&&) noexcept = default;
json::~json() = default;

const json& json::operator[](std::string_view name) const {
    for (const auto& [member, content] : members) {
        if (member == name) return content;
    }
    throw std::out_of_range("no member '" + std::string(name) + "'");
}

json parse_json(std::string_view text) { return parser(text).whole(); }

std::vector<json> read_json_lines(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) lines.push_back(parse_json(line));
    }
    return lines;
}

}  // namespace aero::tests
