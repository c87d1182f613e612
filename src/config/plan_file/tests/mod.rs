mod faults;
mod markdown;
mod properties;
mod shapes;
