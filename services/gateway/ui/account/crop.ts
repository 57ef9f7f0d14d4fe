/** A square of a picture. `x` and `y` are its centre, as parts of the width and the height. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  /** 1: the largest square that fits. */
  readonly zoom: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export const MAX_ZOOM = 4;

export function centredCrop(image: Size): Crop {
  return withinImage(image, { x: 0.5, y: 0.5, zoom: 1 });
}

/** Moves the square by parts of its own side. */
export function moveCrop(image: Size, crop: Crop, x: number, y: number): Crop {
  const side = sideOf(image, crop);
  return withinImage(image, { ...crop, x: crop.x + (x * side) / image.width, y: crop.y + (y * side) / image.height });
}

export function zoomCrop(image: Size, crop: Crop, zoom: number): Crop {
  return withinImage(image, { ...crop, zoom: limit(zoom, 1, MAX_ZOOM) });
}

export function drawCrop(canvas: HTMLCanvasElement, image: ImageBitmap, crop: Crop): void {
  const side = sideOf(image, crop);
  const [left, top] = [crop.x * image.width - side / 2, crop.y * image.height - side / 2];
  const context = canvas.getContext("2d");
  if (!context) return;
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
}

function sideOf({ width, height }: Size, { zoom }: Crop): number {
  return Math.min(width, height) / zoom;
}

/** Keeps the square inside the picture. */
function withinImage(image: Size, crop: Crop): Crop {
  const side = sideOf(image, crop);
  const [halfX, halfY] = [side / 2 / image.width, side / 2 / image.height];
  return { ...crop, x: limit(crop.x, halfX, 1 - halfX), y: limit(crop.y, halfY, 1 - halfY) };
}

function limit(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
