#ifndef LOKISHIP_HTTP_DETAIL_SINK_BODY_HPP
#define LOKISHIP_HTTP_DETAIL_SINK_BODY_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/gzip.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http::detail {

/// An answer's body on its way to the sink: decoded and counted.
class body_delivery {
public:
    /// All of them outlive the object. `header` is complete when the body starts.
    void start(const boost::beast::http::response_header<>& header, const body_sink& sink,
               std::uint64_t max_size, const std::string& where) {
        header_ = &header;
        sink_ = &sink;
        max_size_ = max_size;
        where_ = &where;
    }

    void begin(const boost::optional<std::uint64_t>& length) {
        head_ = copy_head();
        std::string encoding;
        for (const auto& [name, value] : head_.fields)
            if (boost::algorithm::iequals(name, "Content-Encoding") && !value.empty() &&
                !boost::algorithm::iequals(value, "identity"))
                encoding += (encoding.empty() ? "" : ", ") + value;
        if (boost::algorithm::iequals(encoding, "gzip") || boost::algorithm::iequals(encoding, "x-gzip"))
            decoder_ =
                std::make_unique<gzip_decoder>([this](std::string_view part) { return deliver(part); });
        else if (!encoding.empty())
            fail(errc::unsupported_content_encoding, "the answer has the Content-Encoding '" +
                                                         text::escape_for_log(encoding, 40) +
                                                         "'; only gzip is understood");
        else if (max_size_ != 0 && length && *length > max_size_)
            too_large();
    }

    void take(std::string_view chunk) {
        received_ += chunk.size();
        if (!decoder_) {
            static_cast<void>(deliver(chunk));
            return;
        }
        // What decodes to nothing must end too.
        constexpr std::uint64_t leeway = 64 * 1024;
        if (max_size_ != 0 && received_ > leeway && (received_ - leeway) / 2 > max_size_)
            too_large();
        else if (const auto r = decoder_->write(chunk); !r && !failure_)
            fail(r.error().code, r.error().message);
    }

    /// Some servers name an encoding for a body that they then leave out.
    void end() {
        if (!decoder_ || received_ == 0)
            return;
        if (const auto r = decoder_->finish(); !r)
            fail(r.error().code, r.error().message);
    }

    /// As it was when the body began, without the fields of a trailer; or as it is, where none began.
    response_head release_head() { return head_.status != 0 ? std::move(head_) : copy_head(); }
    /// Bytes of the body that came, as they came.
    std::uint64_t received() const noexcept { return received_; }
    const std::optional<error>& failure() const noexcept { return failure_; }

private:
    response_head copy_head() const {
        response_head out;
        out.status = header_->result_int();
        for (const auto& f : *header_)
            out.fields.add(std::string(f.name_string().data(), f.name_string().size()),
                           std::string(f.value().data(), f.value().size()));
        return out;
    }
    result<void> deliver(std::string_view part) {
        if (max_size_ != 0 && part.size() > max_size_ - delivered_) {
            too_large();
        } else {
            delivered_ += part.size();
            if (*sink_)
                if (const auto r = (*sink_)(head_, part); !r)
                    failure_ = r.error();
        }
        return failure_ ? result<void>(*failure_) : result<void>();
    }
    void too_large() {
        fail(errc::response_too_large, "the answer is larger than " + std::to_string(max_size_) + " bytes");
    }
    void fail(const error_code& code, const std::string& why) {
        failure_ = error(code, *where_ + ": " + why);
    }

    const boost::beast::http::response_header<>* header_ = nullptr;
    const body_sink* sink_ = nullptr;
    const std::string* where_ = nullptr;
    std::uint64_t max_size_ = 0;
    response_head head_;
    std::unique_ptr<gzip_decoder> decoder_;
    std::uint64_t received_ = 0;
    std::uint64_t delivered_ = 0;
    std::optional<error> failure_;
};

/// A Beast body that hands what arrives to a `body_delivery`, without a copy.
struct sink_body {
    using value_type = body_delivery;

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(boost::beast::http::header<IsRequest, Fields>&, value_type& value)
            : value_(value) {}
        void init(const boost::optional<std::uint64_t>& length, error_code& ec) {
            value_.begin(length);
            ec = state();
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& ec) {
            std::size_t taken = 0;
            for (auto at = boost::asio::buffer_sequence_begin(buffers);
                 at != boost::asio::buffer_sequence_end(buffers) && !value_.failure(); ++at) {
                const boost::asio::const_buffer b = *at;
                if (b.size() != 0)
                    value_.take({static_cast<const char*>(b.data()), b.size()});
                taken += b.size();
            }
            ec = state();
            return taken;
        }
        void finish(error_code& ec) {
            value_.end();
            ec = state();
        }

    private:
        /// Any error stops the parser; the cause is in `failure`.
        error_code state() const {
            return value_.failure() ? error_code(boost::asio::error::operation_aborted) : error_code();
        }

        value_type& value_;
    };
};

} // namespace lokiship::http::detail

#endif
