# SPDX-License-Identifier: BSD-3-Clause
# A text file as a C string: cmake -DIN=FILE -DOUT=FILE -DNAME=IDENTIFIER -DHEADER=FILE -P text.cmake
file(READ ${IN} HEX HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," BYTES "${HEX}")
string(REGEX REPLACE "((0x..,){16})" "\\1\n" BYTES "${BYTES}")
file(WRITE ${OUT} "/* Made from ${IN} by cmake/text.cmake. */
#include \"${HEADER}\"

const char ${NAME}[] = {
${BYTES}0
};
")
