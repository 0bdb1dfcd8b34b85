import { render } from 'preact';
import { Application } from './application.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/overview.css';

const root = document.getElementById('root');
if (root !== null) render(<Application />, root);
