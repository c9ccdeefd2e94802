#include <lokiship/loki/protobuf_encoder.hpp>

#include <snappy.h>

#include <iostream>
#include <string>

int main() {
    lokiship::loki::protobuf_encoder encoder;
    encoder.begin_stream({{"job", "aoss"}});
    encoder.add({}, "a line");
    const std::string body = encoder.finish();
    std::string plain;
    std::cout << body.size() << " bytes\n";
    return snappy::Uncompress(body.data(), body.size(), &plain) && plain.find("a line") != plain.npos ? 0 : 1;
}
