# Writes image_files.hpp: small pictures and what Pillow reads from them.
#   python3 tests/train/image_files.py > tests/train/image_files.hpp    (needs Pillow and NumPy)
import io
import numpy as np
from PIL import Image

rng = np.random.default_rng(1)
rgb = (np.linspace(0, 255, 6 * 8 * 3).reshape(6, 8, 3) + rng.integers(0, 40, (6, 8, 3))).clip(0, 255)
rgb = rgb.astype(np.uint8)


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


picture = Image.fromarray(rgb)
files = {
    "kRgbPng": saved(picture, format="PNG"),
    "kGrayPng": saved(picture.convert("L"), format="PNG"),
    "kPalettePng": saved(picture.quantize(7), format="PNG", transparency=3),
    "kAlphaPng": saved(picture.convert("RGBA"), format="PNG"),
    "kDeepPng": saved(Image.fromarray((np.arange(12, dtype=np.uint16) * 5003).reshape(3, 4)), format="PNG"),
    # What the test of resizing starts from.
    "kRampPng": saved(Image.fromarray(np.array(
        [[10, 200, 30, 90, 250], [0, 60, 120, 180, 240], [255, 5, 255, 5, 77]], dtype=np.uint8)), format="PNG"),
    "kBitPng": saved(Image.fromarray(rgb[:, :, 0]).convert("1"), format="PNG"),
    "kRgbJpeg": saved(picture, format="JPEG", quality=90),
    "kProgressiveJpeg": saved(picture, format="JPEG", progressive=True),
    "kGrayJpeg": saved(picture.convert("L"), format="JPEG"),
    "kCmykJpeg": saved(picture.convert("CMYK"), format="JPEG"),
}


def emit(name, values):
    text = ", ".join(str(v) for v in values)
    print(f"inline const std::vector<std::uint8_t> {name}{{{text}}};")


print("// Made by image_files.py.\n#pragma once\n\n#include <cstdint>\n#include <vector>\n")
print("// clang-format off\nnamespace catena::test::images {\n")
for name, content in files.items():
    emit(name, content)
    image = Image.open(io.BytesIO(content))
    if name == "kCmykJpeg":
        continue
    if name == "kDeepPng":
        values = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
        emit(name + "Gray", values.ravel())
        continue
    emit(name + "Rgb", np.asarray(image.convert("RGB")).transpose(2, 0, 1).ravel())
    emit(name + "Gray", np.asarray(image.convert("RGB").convert("L")).ravel())
print("\n}  // namespace catena::test::images")
