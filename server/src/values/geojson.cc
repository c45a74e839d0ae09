#include "values/geojson.h"

#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aero_server {

namespace {

constexpr unsigned json_depth_max = 32;

struct json {
    enum class kind : unsigned char { null, boolean, number, text, array, object };
    kind is = kind::null;
    double number = 0;
    std::string text;
    std::vector<json> items;
    std::map<std::string, json, std::less<>> members;

    const json* member(std::string_view name) const {
        const auto found = members.find(name);
        return is == kind::object && found != members.end() ? &found->second : nullptr;
    }
};

class json_reader {
  public:
    explicit json_reader(std::string_view text) : text_(text) {}
    std::optional<json> read_all() {
        json value;
        if (!read(value, 0)) return std::nullopt;
        blanks();
        if (at_ != text_.size()) return std::nullopt;
        return value;
    }

  private:
    void blanks() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    }
    bool take(char wanted) {
        blanks();
        if (at_ == text_.size() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }
    bool word(std::string_view wanted) {
        if (text_.substr(at_, wanted.size()) != wanted) return false;
        at_ += wanted.size();
        return true;
    }
    bool read(json& value, unsigned depth) {
        blanks();
        if (depth > json_depth_max || at_ == text_.size()) return false;
        switch (text_[at_]) {
            case '{': return read_object(value, depth);
            case '[': return read_array(value, depth);
            case '"': value.is = json::kind::text; return read_text(value.text);
            case 't': value.is = json::kind::boolean; return word("true");
            case 'f': value.is = json::kind::boolean; return word("false");
            case 'n': return word("null");
            default: return read_number(value);
        }
    }
    bool read_object(json& value, unsigned depth) {
        value.is = json::kind::object;
        take('{');
        if (take('}')) return true;
        do {
            std::string name;
            blanks();
            if (!read_text(name) || !take(':') || !read(value.members[name], depth + 1)) return false;
        } while (take(','));
        return take('}');
    }
    bool read_array(json& value, unsigned depth) {
        value.is = json::kind::array;
        take('[');
        if (take(']')) return true;
        do {
            if (!read(value.items.emplace_back(), depth + 1)) return false;
        } while (take(','));
        return take(']');
    }
    // Escapes are passed on as they stand: no name or word looked at here has any.
    bool read_text(std::string& to) {
        if (at_ == text_.size() || text_[at_] != '"') return false;
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
            to += text_[at_];
            if (text_[at_] != '\\') continue;
            if (++at_ == text_.size()) return false;
            to += text_[at_];
        }
        return at_ < text_.size() && text_[at_++] == '"';
    }
    bool read_number(json& value) {
        value.is = json::kind::number;
        const char* end = text_.data() + text_.size();
        const auto read = std::from_chars(text_.data() + at_, end, value.number);
        if (read.ec != std::errc() || !std::isfinite(value.number)) return false;
        at_ = static_cast<size_t>(read.ptr - text_.data());
        return true;
    }

    std::string_view text_;
    size_t at_ = 0;
};

bool is_position(const json& value) {
    return value.is == json::kind::array && value.items.size() >= 2 && value.items[0].is == json::kind::number &&
           value.items[1].is == json::kind::number && std::abs(value.items[0].number) <= 180 &&
           std::abs(value.items[1].number) <= 90;
}

bool is_ring(const json& value) {
    if (value.is != json::kind::array || value.items.size() < 4) return false;
    for (const json& position : value.items)
        if (!is_position(position)) return false;
    const auto& first = value.items.front().items;
    const auto& last = value.items.back().items;
    return first[0].number == last[0].number && first[1].number == last[1].number;
}

template <class Inside>
bool is_array_of(const json& value, Inside inside) {
    if (value.is != json::kind::array || value.items.empty()) return false;
    for (const json& item : value.items)
        if (!inside(item)) return false;
    return true;
}

bool is_polygon(const json& value) { return is_array_of(value, is_ring); }

bool is_circle(const json& value) {
    return value.is == json::kind::array && value.items.size() == 2 && is_position(value.items[0]) &&
           value.items[1].is == json::kind::number && value.items[1].number >= 0;
}

geometry check(const json& value, unsigned depth) {
    const json* type = value.member("type");
    if (type == nullptr || type->is != json::kind::text || depth > json_depth_max) return geometry::invalid;
    if (type->text == "Feature") {
        const json* inner = value.member("geometry");
        return inner == nullptr ? geometry::invalid : check(*inner, depth + 1);
    }
    const json* at = value.member("coordinates");
    if (at == nullptr) return geometry::invalid;
    if (type->text == "Point") return is_position(*at) ? geometry::point : geometry::invalid;
    const bool region = (type->text == "Polygon" && is_polygon(*at)) ||
                        (type->text == "MultiPolygon" && is_array_of(*at, is_polygon)) ||
                        (type->text == "AeroCircle" && is_circle(*at));
    return region ? geometry::region : geometry::invalid;
}

}  // namespace

geometry geometry_of(std::string_view text) {
    const auto value = json_reader(text).read_all();
    return value ? check(*value, 0) : geometry::invalid;
}

}  // namespace aero_server
