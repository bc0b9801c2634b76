"""What is done for a stack on an accelerator before it trains, while another one trains."""
