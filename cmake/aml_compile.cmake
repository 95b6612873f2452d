# SPDX-License-Identifier: BSD-3-Clause
# Compiles the ASL file SOURCE with IASL and OPTIONS and writes it as the C array aml_NAME to OUT.c.
# Any warning is an error; iasl's listing is shown only then.
#
# cmake -DIASL= -DNAME= -DSOURCE= -DOUT= -DOPTIONS= -P aml_compile.cmake

execute_process(
	COMMAND ${IASL} -vs -we ${OPTIONS} -p ${OUT} ${SOURCE}
	RESULT_VARIABLE result
	OUTPUT_VARIABLE listing
	ERROR_VARIABLE listing
)
if(NOT result EQUAL 0)
	message(FATAL_ERROR "iasl refused ${SOURCE}:\n${listing}")
endif()

file(READ ${OUT}.aml bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n\t" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${bytes}")
string(REGEX REPLACE " \n" "\n" bytes "${bytes}")
file(WRITE ${OUT}.c "#include \"acpi/aml.h\"

const uint8_t aml_${NAME}[] = {
	${bytes}
};
const size_t aml_${NAME}_size = sizeof(aml_${NAME});
")
