# SPDX-License-Identifier: BSD-3-Clause
# The guest's AML: acpi/*.asl through iasl, then into C arrays that vmm/x86/acpi_tables.c fills in.
#
# Gives the library coldvm-aml and, in the build folder, acpi/aml.h.

# What any of the sources may include; iasl writes no dependency file.
set(AML_INCLUDED
	${CMAKE_SOURCE_DIR}/acpi/abi.h
	${CMAKE_SOURCE_DIR}/acpi/bridge.asl
	${CMAKE_SOURCE_DIR}/acpi/delays.asl
	${CMAKE_SOURCE_DIR}/acpi/dsm.asl
	${CMAKE_SOURCE_DIR}/acpi/osc.asl
	${CMAKE_SOURCE_DIR}/vmm/x86/layout.h
)
set(AML_COMPILE ${CMAKE_SOURCE_DIR}/cmake/aml_compile.cmake)
set(AML_DIR ${CMAKE_BINARY_DIR}/acpi)
set(AML_INCLUDE -I ${CMAKE_SOURCE_DIR}/acpi -I ${CMAKE_SOURCE_DIR}/vmm/x86)
set(AML_DECLARATIONS "")
set(AML_ARRAYS "")
file(MAKE_DIRECTORY ${AML_DIR})

# coldvm_add_aml(NAME SOURCE [-D SYMBOL ...]): acpi/SOURCE becomes the array aml_NAME.
function(coldvm_add_aml NAME SOURCE)
	add_custom_command(
		OUTPUT ${AML_DIR}/${NAME}.c
		BYPRODUCTS ${AML_DIR}/${NAME}.aml
		COMMAND ${CMAKE_COMMAND} -DIASL=${IASL} -DNAME=${NAME}
			-DSOURCE=${CMAKE_SOURCE_DIR}/acpi/${SOURCE} -DOUT=${AML_DIR}/${NAME}
			"-DOPTIONS=${AML_INCLUDE};${ARGN}"
			-P ${AML_COMPILE}
		DEPENDS ${CMAKE_SOURCE_DIR}/acpi/${SOURCE} ${AML_INCLUDED} ${AML_COMPILE}
		COMMENT "Compiling acpi/${SOURCE} to ${NAME}.aml"
		VERBATIM
	)
	string(APPEND AML_DECLARATIONS
		"extern const uint8_t aml_${NAME}[];\nextern const size_t aml_${NAME}_size;\n")
	set(AML_DECLARATIONS ${AML_DECLARATIONS} PARENT_SCOPE)
	set(AML_ARRAYS ${AML_ARRAYS} ${AML_DIR}/${NAME}.c PARENT_SCOPE)
endfunction()

coldvm_add_aml(dsdt dsdt.asl)
coldvm_add_aml(dsdt_mmio64 dsdt.asl -D CVM_MMIO64)
coldvm_add_aml(root root.asl)
coldvm_add_aml(com1 com1.asl)
coldvm_add_aml(slot slot.asl)
coldvm_add_aml(slot_resource slot.asl -D CVM_RESOURCE)
coldvm_add_aml(slot_pr slot.asl -D CVM_RESOURCE -D CVM_PORT_PR)
coldvm_add_aml(slot_pxm pxm.asl)
coldvm_add_aml(bridge_pxm pxm.asl -D CVM_BRIDGE)
coldvm_add_aml(function function.asl)
coldvm_add_aml(function_pr function.asl -D CVM_FUNCTION_PR)

file(CONFIGURE OUTPUT ${AML_DIR}/aml.h CONTENT
"/* SPDX-License-Identifier: BSD-3-Clause */
/* Made by cmake/aml.cmake: the tables that iasl made from acpi/, not yet filled in. */
#ifndef COLDVM_ACPI_AML_H
#define COLDVM_ACPI_AML_H

#include <stddef.h>
#include <stdint.h>

@AML_DECLARATIONS@
#endif
" @ONLY)

add_library(coldvm-aml STATIC ${AML_ARRAYS})
